def main(args)
  name, place = args.delete('name') || 'nobody', args.delete('place') || 'nowhere'
  { 'greeting' => "#{name} of #{place}", 'rest' => args }
end
