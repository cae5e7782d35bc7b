'use strict'
exports.main = ({ name }) => {
  console.log('greeting', name)
  return { greeting: `Hello, ${name}` }
}
