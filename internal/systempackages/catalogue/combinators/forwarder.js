// Invokes an action with some of its arguments, and passes others around it.
const openwhisk = require('openwhisk')

const pick = (from, names) => Object.fromEntries(names.filter(name => name in from).map(name => [name, from[name]]))

async function main({ $actionName, $actionArgs, $forward, ...params }) {
  if (typeof $actionName !== 'string') return { error: "Expected an argument '$actionName' of type 'string'." }
  if (!Array.isArray($actionArgs)) return { error: "Expected an argument '$actionArgs' of type 'array'." }
  if (!Array.isArray($forward)) return { error: "Expected an argument '$forward' of type 'array'." }
  try {
    const result = await openwhisk().actions.invoke({ name: $actionName, params: pick(params, $actionArgs), blocking: true, result: true })
    return { ...result, ...pick(params, $forward) }
  } catch (error) {
    return { error: `There was an error invoking ${$actionName}: ${error.message}` }
  }
}
