// Puts all that it was given under one name.
function main({ $fieldName, ...rest }) {
  if (typeof $fieldName !== 'string') return { error: "Expected an argument '$fieldName' of type 'string'." }
  return { [$fieldName]: rest }
}
