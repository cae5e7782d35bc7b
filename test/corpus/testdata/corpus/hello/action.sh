echo '{"greeting": "Hello from the corpus"}'
