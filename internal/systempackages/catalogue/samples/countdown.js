// Invokes itself with one less until nothing is left. It needs the caller's
// key: create it with the annotation provide-api-key.
const openwhisk = require('openwhisk')

async function main({ n = 0 }) {
  console.log(n)
  if (n <= 0) {
    console.log('Happy New Year!')
    return { n }
  }
  const name = '/' + process.env.__OW_ACTION_NAME.replace(/^\//, '')
  return openwhisk().actions.invoke({ name, params: { n: n - 1 } })
}
