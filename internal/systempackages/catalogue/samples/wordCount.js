// Counts the words of a text.
function main({ payload }) {
  const words = String(payload ?? '').split(/\s+/).filter(Boolean).length
  console.log(`The message '${payload ?? ''}' has ${words} words`)
  return { count: words }
}
