// Joins an array of lines into one text, a line each.
function main({ lines }) {
  if (!Array.isArray(lines)) return { error: "Expected an argument 'lines' of type 'array'." }
  return { lines, payload: lines.map(line => `${line}\n`).join('') }
}
