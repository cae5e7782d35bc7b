// Writes what it was given to the log, sorted by key.
function main(params) {
  const sorted = Object.fromEntries(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log('params:', sorted)
  return { params: sorted }
}
