'use strict'
const test = require('node:test')
const assert = require('node:assert/strict')
const zlib = require('node:zlib')
const { client, unique, pairs, record } = require('../setup')

const ow = client()
const greet = 'function main ({ name }) { return { greeting: `Hello, ${name}` } }'

test('actions: create answers the document', async () => {
  const name = unique('greet')
  const made = await ow.actions.create({
    name,
    action: greet,
    params: { name: 'Ada', deep: { list: [1, 'two', null] } },
    annotations: { purpose: 'greetings', final: true },
    limits: { timeout: 20000, memory: 256, logs: 1, concurrency: 1 },
    version: '1.2.3'
  })
  assert.equal(made.name, name)
  assert.equal(made.namespace, 'guest')
  assert.equal(made.publish, false)
  assert.equal(made.exec.binary, false)
  assert.deepEqual(pairs(made.parameters), { name: 'Ada', deep: { list: [1, 'two', null] } })
  assert.equal(pairs(made.annotations).purpose, 'greetings')
  assert.deepEqual(made.limits, { timeout: 20000, memory: 256, logs: 1, concurrency: 1 })
  assert.deepEqual(await ow.actions.get(name), Object.assign({}, await ow.actions.get({ actionName: name })))
})

test('actions: get leaves the code out when asked to', async () => {
  const name = unique('greet')
  await ow.actions.create({ name, action: greet })
  assert.equal((await ow.actions.get(name)).exec.code, greet)
  assert.equal((await ow.actions.get({ name, code: false })).exec.code, undefined)
})

test('actions: get takes a list of names', async () => {
  const names = [unique('a'), unique('b')]
  for (const name of names) await ow.actions.create({ name, action: greet })
  const got = await ow.actions.get([...names]) // the client leaves its marks on the list
  assert.deepEqual(got.map(a => a.name), names)
  const gone = await ow.actions.delete(names.map(name => ({ name })))
  assert.deepEqual(gone.map(a => a.name), names)
})

test('actions: create a second time is a conflict, overwrite and update are not', async () => {
  const name = unique('greet')
  await ow.actions.create({ name, action: greet })
  await assert.rejects(ow.actions.create({ name, action: greet }), error => {
    assert.equal(error.name, 'OpenWhiskError')
    assert.equal(error.statusCode, 409)
    assert.equal(error.error.error, 'resource already exists')
    assert.match(error.message, new RegExp(`^PUT http.*/namespaces/_/actions/${name}.* Returned HTTP 409 \\(Conflict\\) --> "resource already exists"$`))
    return true
  })
  assert.equal((await ow.actions.create({ name, action: greet, overwrite: true })).version, '0.0.2')
  assert.equal((await ow.actions.update({ name, params: { name: 'Bob' } })).version, '0.0.3')
  assert.equal((await ow.actions.get(name)).exec.code, greet)
})

test('actions: list pages, counts and leaves parameters out', async () => {
  for (let i = 0; i < 3; i++) await ow.actions.create({ name: unique('paged'), action: greet })
  assert.equal((await ow.actions.list({ limit: 2 })).length, 2)
  const [first, second] = await ow.actions.list({ limit: 2 })
  assert.equal((await ow.actions.list({ skip: 1, limit: 1 }))[0].name, second.name)
  assert.notEqual(first.name, second.name)
  assert.equal(first.parameters, undefined)
  assert.ok((await ow.actions.list({ count: true })).actions >= 3)
  assert.ok(Array.isArray(await ow.actions.list({ namespace: 'guest' })))
})

test('actions: invoke answers an id, waits, or gives the result alone', async () => {
  const name = unique('greet')
  await ow.actions.create({ name, action: greet, params: { name: 'nobody' } })
  const { activationId } = await ow.actions.invoke(name)
  assert.match(activationId, /^[0-9a-f]{32}$/)
  assert.deepEqual((await record(ow, activationId)).response.result, { greeting: 'Hello, nobody' })
  const whole = await ow.actions.invoke({ name, blocking: true, params: { name: 'Ada' } })
  assert.equal(whole.response.success, true)
  assert.equal(whole.response.status, 'success')
  assert.equal(whole.name, name)
  const result = await ow.actions.invoke({ name: `/guest/${name}`, blocking: true, result: true, params: { name: 'Ada' } })
  assert.deepEqual(result, { greeting: 'Hello, Ada' })
})

test('actions: invoke takes a list', async () => {
  const name = unique('greet')
  await ow.actions.create({ name, action: greet })
  const both = await Promise.all([1, 2].map(() => ow.actions.invoke(name)))
  assert.notEqual(both[0].activationId, both[1].activationId)
  const listed = await ow.actions.invoke([{ name }, { name }])
  assert.equal(listed.filter(a => a.activationId).length, 2)
})

test('actions: an error of the action is a 502 with the record', async () => {
  const name = unique('fails')
  await ow.actions.create({ name, action: 'function main () { return { error: "that went wrong" } }' })
  await assert.rejects(ow.actions.invoke({ name, blocking: true }), error => {
    assert.equal(error.statusCode, 502)
    assert.equal(error.error.response.status, 'application error')
    assert.deepEqual(error.error.response.result, { error: 'that went wrong' })
    assert.match(error.message, /Returned HTTP 502 \(Bad Gateway\) --> "that went wrong"$/)
    return true
  })
})

test('actions: a rejected promise and an exception are told apart', async () => {
  const rejects = unique('rejects')
  const throws = unique('throws')
  await ow.actions.create({ name: rejects, action: 'const main = () => Promise.reject({ statusCode: 418, why: "tea" })' })
  await ow.actions.create({ name: throws, action: 'function main () { throw new Error("broken") }' })
  await assert.rejects(ow.actions.invoke({ name: rejects, blocking: true }), error => {
    assert.deepEqual(error.error.response.result.error, { statusCode: 418, why: 'tea' })
    return /application error, status code: 418/.test(error.message)
  })
  await assert.rejects(ow.actions.invoke({ name: throws, blocking: true }), error =>
    /An error has occurred: Error: broken/.test(error.error.response.result.error))
})

test('actions: an archive in a Buffer', async () => {
  const name = unique('zipped')
  const made = await ow.actions.create({ name, kind: 'nodejs:default', action: zip({ 'index.js': 'exports.main = () => ({ from: "archive" })' }) })
  assert.equal(made.exec.binary, true)
  assert.deepEqual(await ow.actions.invoke({ name, blocking: true, result: true }), { from: 'archive' })
})

test('actions: kind and exec options', async () => {
  const python = unique('py')
  const entry = unique('entry')
  await ow.actions.create({ name: python, kind: 'python:default', action: 'def main(args):\n  return {"sum": args["a"] + args["b"]}\n' })
  assert.deepEqual(await ow.actions.invoke({ name: python, blocking: true, result: true, params: { a: 1, b: 2 } }), { sum: 3 })
  await ow.actions.create({ name: entry, action: 'exports.other = () => ({ entry: "other" })', exec: { main: 'other' } })
  assert.deepEqual(await ow.actions.invoke({ name: entry, blocking: true, result: true }), { entry: 'other' })
})

test('actions: a whole document as the action', async () => {
  const name = unique('document')
  const made = await ow.actions.create({
    name,
    action: { exec: { kind: 'nodejs:default', code: greet }, parameters: [{ key: 'name', value: 'Eve' }], limits: { timeout: 20000 } }
  })
  assert.equal(made.limits.timeout, 20000)
  assert.deepEqual(await ow.actions.invoke({ name, blocking: true, result: true }), { greeting: 'Hello, Eve' })
})

test('actions: a sequence', async () => {
  const name = unique('twice')
  const part = unique('part')
  await ow.actions.create({ name: part, action: 'function main ({ n }) { return { n: n * 2 } }' })
  const made = await ow.actions.create({ name, sequence: [`/_/${part}`, `/guest/${part}`], annotations: { purpose: 'chain' } })
  assert.deepEqual(made.exec.components, [`/guest/${part}`, `/guest/${part}`])
  const whole = await ow.actions.invoke({ name, blocking: true, params: { n: 3 } })
  assert.deepEqual(whole.response.result, { n: 12 })
  assert.equal(whole.logs.length, 2)
  const { name: ran } = await record(ow, whole.logs[0])
  assert.equal(ran, part)
})

test('actions: names that are not there and not allowed', async () => {
  const name = unique('missing')
  for (const call of [() => ow.actions.get(name), () => ow.actions.delete({ name }), () => ow.actions.invoke(name)]) {
    await assert.rejects(call(), { statusCode: 404, message: /The requested resource does not exist\."$/ })
  }
  await assert.rejects(ow.actions.get('/whisk.elsewhere/x'), { statusCode: 403 })
  await assert.rejects(ow.actions.create({ name, action: greet, kind: 'cobol:85' }), { statusCode: 400 })
  await assert.rejects(ow.actions.invoke({ name: unique('x'), params: { big: 'x'.repeat(1100000) } }), { statusCode: 413 })
})

test('actions: what the client itself refuses', async () => {
  assert.throws(() => ow.actions.create({ name: 'x' }), /Missing mandatory action or sequence/)
  assert.throws(() => ow.actions.create({ name: 'x', action: greet, sequence: ['/_/y'] }), /contains both/)
  assert.throws(() => ow.actions.create({ name: 'x', sequence: [] }), /must not be empty/)
  assert.throws(() => ow.actions.get({}), /Missing resource identifier/)
})

// zip makes an archive of stored files.
function zip (files) {
  const parts = []
  const directory = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text)
    const fixed = Buffer.alloc(26)
    fixed.writeUInt16LE(20, 0)
    fixed.writeUInt32LE(crc32(data), 10)
    fixed.writeUInt32LE(data.length, 14)
    fixed.writeUInt32LE(data.length, 18)
    fixed.writeUInt16LE(name.length, 22)
    parts.push(Buffer.from('PK\x03\x04'), fixed, Buffer.from(name), data)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fixed, place, Buffer.from(name)]))
    offset += 30 + name.length + data.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(directory.length, 4)
  end.writeUInt16LE(directory.length, 6)
  end.writeUInt32LE(listing.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, listing, Buffer.from('PK\x05\x06'), end])
}

function crc32 (data) {
  // the trailer of gzip is the sum, little-endian, before the length
  const packed = zlib.gzipSync(data)
  return packed.readUInt32LE(packed.length - 8)
}
