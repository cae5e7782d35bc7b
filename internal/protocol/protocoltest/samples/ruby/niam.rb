def niam(args)
  { 'niam' => true }
end
