// Sorts an array: numbers by value if there is nothing else, else as text.
function main({ lines }) {
  if (!Array.isArray(lines)) return { error: "Expected an argument 'lines' of type 'array'." }
  const numeric = lines.every(line => typeof line === 'number')
  const sorted = numeric ? lines.sort((a, b) => a - b) : lines.sort()
  return { lines: sorted, length: sorted.length }
}
