// Keeps the first lines of an array: num of them, or one.
function main({ lines, num = 1 }) {
  if (!Array.isArray(lines)) return { error: "Expected an argument 'lines' of type 'array'." }
  if (!Number.isInteger(num) || num < 0) return { error: "Expected an argument 'num' that is a whole number." }
  return { lines: lines.slice(0, num), num }
}
