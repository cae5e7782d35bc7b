// Writes a line to the log.
function main({ payload = 'world' }) {
  console.log(`hello ${payload}!`)
}
