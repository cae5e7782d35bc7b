'use strict'
// What the cases share: a client of the server under test, names that nothing
// else uses, and waiting for what happens after an answer.

const openwhisk = require('openwhisk')

const apihost = process.env.GOWHISK_URL
const key = process.env.GOWHISK_KEY

const client = options => openwhisk(Object.assign({ apihost, api_key: key }, options))

let count = 0
const unique = prefix => `${prefix}-${process.pid}-${++count}`

// until repeats an asynchronous look until it returns something true.
async function until (look, what, patience = 20000) {
  for (const end = Date.now() + patience; Date.now() < end;) {
    const seen = await look()
    if (seen) return seen
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`${what} did not come`)
}

// record waits for the record of an activation.
const record = (ow, id) => until(() => ow.activations.get(id).catch(error => {
  if (error.statusCode !== 404) throw error
}), `the record of ${id}`)

const pairs = list => Object.fromEntries(list.map(({ key, value }) => [key, value]))

module.exports = { apihost, key, client, unique, until, record, pairs }
