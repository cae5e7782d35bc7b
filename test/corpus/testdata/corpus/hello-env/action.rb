NAME, PLACE = ENV['NAME'], ENV['PLACE']

def main(args)
  { 'greeting' => "#{NAME} of #{PLACE}" }
end
