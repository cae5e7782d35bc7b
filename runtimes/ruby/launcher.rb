# frozen_string_literal: true

# The Ruby launcher: one line of JSON in on stdin, one line out on fd 3 (see internal/protocol).
# Works on Ruby 2.5 and later. OpenWhisk 3.6, 3.8.4.

require 'json'

# Everything is in one module, so that the action's top level stays its own.
module Launcher
  NO_BINARY = 'The action failed to generate or locate a binary. See logs for details.'
  CANNOT_START = 'Cannot start action. Check logs for details.'
  NO_RESULT = 'The action did not return a dictionary or array.'

  # The code can not be loaded; the message goes to the logs.
  class Refused < StandardError; end

  module_function

  def answer(line)
    $stdout.flush
    $stderr.flush
    @answers.write(line, "\n")
  rescue IOError, SystemCallError
    exit!(1) # nobody can hear an answer any more
  end

  def failure(status, message)
    "!#{status} #{JSON.generate('error' => message.to_s.scrub)}"
  end

  def initialize_action(init)
    if init['code'].to_s.empty? && init['dir'].to_s.empty?
      return failure(403, 'Missing main/no code to execute.')
    end

    (init['env'] || {}).each { |key, value| ENV[key] = text(value) }
    load_code(init)
    name = init['main'].to_s.empty? ? 'main' : init['main']
    raise Refused, "Method #{name} not found." unless TOPLEVEL_BINDING.receiver.respond_to?(name, true)

    TOPLEVEL_BINDING.receiver.method(name)
  rescue Refused => e
    warn e.message
    failure(502, NO_BINARY)
  rescue StandardError, ScriptError => e
    warn e.full_message(highlight: false)
    failure(502, CANNOT_START)
  end

  def load_code(init)
    dir = init['dir'].to_s
    return TOPLEVEL_BINDING.eval(init['code'], 'main.rb') if dir.empty?

    file = File.join(dir, 'main.rb')
    raise Refused, 'Zipped actions must contain main.rb at the root.' unless File.file?(file)

    Dir.chdir(dir)
    $LOAD_PATH.unshift(dir)
    TOPLEVEL_BINDING.eval(File.read(file), file)
  end

  def text(value)
    value.is_a?(String) ? value : JSON.generate(value)
  end

  # export sets the variables of a run. What only an earlier one has had is what it was before.
  def export(body)
    @before ||= {}
    before = {}
    body.each do |key, value|
      name = "__OW_#{key.upcase}"
      before[name] = @before.key?(name) ? @before.delete(name) : ENV[name]
      ENV[name] = text(value)
    end
    @before.each { |name, value| ENV[name] = value }
    @before = before
  end

  def run(action, body)
    args = body.delete('value')
    export(body)
    result = action.call(args.nil? ? {} : args)
    return failure(502, NO_RESULT) unless result.is_a?(Hash) || result.is_a?(Array)

    JSON.generate(result, max_nesting: 0)
  rescue StandardError => e
    warn e.full_message(highlight: false)
    JSON.generate('error' => e.message.to_s.scrub)
  end

  def live
    requests = IO.for_fd(0, 'rb', autoclose: false).dup
    requests.close_on_exec = true
    $stdin.reopen(File::NULL)
    @answers = IO.for_fd(3, 'wb', autoclose: false)
    @answers.sync = true
    @answers.close_on_exec = true
    $stdout.sync = true
    answer('{"ok":true}')
    action = nil
    while (line = requests.gets)
      action = step(action, line)
    end
  end

  # step answers one line and returns the action, once there is one.
  def step(action, line)
    body = JSON.parse(line.force_encoding('UTF-8'), max_nesting: 10_000)
    if action
      answer(run(action, body))
    elsif body['init']
      found = initialize_action(body['init'])
      answer(found.is_a?(String) ? found : '{"ok":true}')
      action = found unless found.is_a?(String)
    else
      answer(failure(500, 'no action defined yet'))
    end
    action
  rescue JSON::ParserError => e
    answer(failure(400, "Error unmarshaling request: #{e.message[0, 200]}"))
    action
  end
end

Launcher.live
