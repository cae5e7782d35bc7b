SEEN = ENV['K']
EMPTY = ENV['EMPTY']
puts 'loading'

def main(args)
  case args.is_a?(Hash) ? args['do'] : nil
  when 'print'
    puts 'hello stdout'
    warn 'hello stderr'
  when 'winter'
    winter = "❄ #{args['delimiter']} ☃"
    puts winter
    return { 'winter' => winter }
  when 'env'
    return ENV.select { |k, _| k.start_with?('__OW_') }.map { |k, v| [k[5..].downcase, v] }.to_h
  when 'start'
    return { 'seen' => SEEN, 'empty' => EMPTY }
  when 'answer'
    return args['answer']
  when 'text'
    return 'text'
  when 'throw'
    raise 'wrong'
  when 'exit'
    exit!(1)
  end
  args
end
