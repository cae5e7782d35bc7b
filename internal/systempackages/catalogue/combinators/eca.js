// Event, condition, action: invokes an action if a condition succeeds.
const openwhisk = require('openwhisk')

async function main({ $conditionName, $actionName, ...params }) {
  for (const [name, value] of Object.entries({ $conditionName, $actionName })) {
    if (typeof value !== 'string') return { error: `Expected an argument '${name}' of type 'string'.` }
  }
  const ow = openwhisk()
  try {
    params = await ow.actions.invoke({ name: $conditionName, params, blocking: true, result: true })
  } catch {
    return { $eca: 'Condition was false' }
  }
  try {
    return await ow.actions.invoke({ name: $actionName, params, blocking: true, result: true })
  } catch (error) {
    return { error: `There was an error invoking ${$actionName}: ${error.message}` }
  }
}
