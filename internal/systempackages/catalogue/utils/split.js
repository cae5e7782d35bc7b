// Cuts a text into lines, at line breaks or at a separator; a separator that
// is written /like this/ is a regular expression.
function main({ payload, separator = '/\\r?\\n/' }) {
  if (typeof payload !== 'string') return { error: "Expected an argument 'payload' of type 'string'." }
  const expression = /^\/(.+)\/([a-z]*)$/.exec(separator)
  try {
    return { lines: payload.split(expression ? new RegExp(expression[1], expression[2]) : String(separator)), payload }
  } catch (error) {
    return { error: `The separator is not a regular expression: ${error.message}` }
  }
}
