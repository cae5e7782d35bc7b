// Invokes an action until it succeeds, a number of times at most.
const openwhisk = require('openwhisk')

async function main({ $actionName, $attempts, ...params }) {
  if (typeof $actionName !== 'string') return { error: "Expected an argument '$actionName' of type 'string'." }
  if (!Number.isInteger($attempts) || $attempts < 1) return { error: "Expected an argument '$attempts' that is a whole number of at least 1." }
  const ow = openwhisk()
  for (let left = $attempts; left > 0; left--) {
    try {
      return await ow.actions.invoke({ name: $actionName, params, blocking: true, result: true })
    } catch (error) {
      console.log(`${$actionName} failed, ${left - 1} attempts left: ${error.message}`)
    }
  }
  return { error: 'Invocation failed. No retries left.' }
}
