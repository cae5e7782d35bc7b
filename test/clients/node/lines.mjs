// A reporter for node --test: one line of JSON per test, for node_test.go.
import { inspect } from 'node:util'

export default async function * lines (events) {
  for await (const { type, data } of events) {
    const isTest = type === 'test:pass' || type === 'test:fail'
    if (!isTest || data.details.type === 'suite' || isFile(data)) continue
    const cause = data.details.error && (data.details.error.cause || data.details.error)
    yield JSON.stringify({
      name: data.name,
      skip: data.skip === undefined ? '' : data.skip || 'skipped',
      error: type === 'test:fail' ? (cause && cause.stack) || inspect(cause) : ''
    }) + '\n'
  }
}

// Node reports a file that ran as a test of its own; one that broke before its
// tests is worth a line.
function isFile (data) {
  const error = data.details.error
  return /\.test\.js$/.test(data.name) && !(error && error.failureType === 'testCodeFailure' && !/subtest/.test(String(error.cause)))
}
