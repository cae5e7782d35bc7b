function main() {
  return {greeting: 'Hello from the corpus'};
}
