def main(args)
  { 'body' => "<h1>Hello, #{args['name']}</h1>" }
end
