// Invokes an action, and if it fails another one with the error.
const openwhisk = require('openwhisk')

async function main({ $tryName, $catchName, ...params }) {
  for (const [name, value] of Object.entries({ $tryName, $catchName })) {
    if (typeof value !== 'string') return { error: `Expected an argument '${name}' of type 'string'.` }
  }
  const ow = openwhisk()
  try {
    return await ow.actions.invoke({ name: $tryName, params, blocking: true, result: true })
  } catch (error) {
    const failed = error.error?.response?.result ?? error.error ?? { error: error.message }
    try {
      return await ow.actions.invoke({ name: $catchName, params: failed, blocking: true, result: true })
    } catch (second) {
      return second.error?.response?.result ?? { error: second.message }
    }
  }
}
