def main(args)
  args['n'].negative? ? { 'error' => 'n is negative' } : args
end
