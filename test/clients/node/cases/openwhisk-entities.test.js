'use strict'
const test = require('node:test')
const assert = require('node:assert/strict')
const { client, unique, until, record, pairs } = require('../setup')

const ow = client()
const echo = 'function main (args) { console.log("seen", JSON.stringify(args)); return args }'

test('activations: list filters, pages and counts', async () => {
  const name = unique('seen')
  await ow.actions.create({ name, action: echo })
  const since = Date.now() - 1
  const ids = []
  for (let n = 0; n < 3; n++) ids.push((await ow.actions.invoke({ name, blocking: true, params: { n } })).activationId)
  const listed = await until(async () => {
    const seen = await ow.activations.list({ name })
    return seen.length === 3 && seen
  }, 'three records')
  assert.deepEqual(listed.map(a => a.activationId), ids.reverse())
  assert.equal(listed[0].response, undefined)
  const docs = await ow.activations.list({ name, docs: true, since, limit: 1 })
  assert.deepEqual(docs[0].response.result, { n: 2 })
  assert.equal((await ow.activations.list({ name, skip: 1, limit: 1 }))[0].activationId, ids[1])
  assert.deepEqual(await ow.activations.list({ name, upto: since }), [])
  assert.equal((await ow.activations.list({ name, count: true })).activations, 3)
})

test('activations: get, logs and result', async () => {
  const name = unique('logs')
  await ow.actions.create({ name, action: echo })
  const { activationId } = await ow.actions.invoke({ name, params: { n: 7 } })
  const whole = await record(ow, activationId)
  assert.equal(whole.subject, 'guest')
  assert.ok(Math.abs(whole.end - whole.start - whole.duration) <= 1) // each is rounded alone
  assert.equal(pairs(whole.annotations).path, `guest/${name}`)
  const { logs } = await ow.activations.logs(activationId)
  assert.match(logs[0], /^\d{4}-\d\d-\d\dT\S+Z\s+stdout: seen \{"n":7\}/)
  const response = await ow.activations.result({ name: activationId })
  assert.deepEqual(response.result, { n: 7 })
  assert.equal(response.success, true)
  assert.equal((await ow.activations.get({ activationId })).activationId, activationId)
})

test('activations: an id that nobody has', async () => {
  await assert.rejects(ow.activations.get('00000000000000000000000000000000'), { statusCode: 404 })
  await assert.rejects(ow.activations.get('short'), { statusCode: 400 })
  assert.throws(() => ow.activations.logs({}), /Missing mandatory activation/)
})

test('namespaces: list and get', async () => {
  assert.deepEqual(await ow.namespaces.list(), ['guest'])
  const name = unique('listed')
  await ow.actions.create({ name, action: echo })
  const all = await ow.namespaces.get('_')
  assert.ok(all.actions.some(a => a.name === name))
  for (const kind of ['packages', 'triggers', 'rules']) assert.ok(Array.isArray(all[kind]))
})

test('packages: create, get, update, list, delete', async () => {
  const name = unique('pack')
  const made = await ow.packages.create({
    name, package: { parameters: [{ key: 'town', value: 'Wien' }], publish: true }, annotations: { purpose: 'towns' }
  })
  assert.equal(made.publish, true)
  await ow.actions.create({ name: `${name}/inner`, action: echo })
  const got = await ow.packages.get(name)
  assert.deepEqual(got.actions.map(a => a.name), ['inner'])
  assert.deepEqual(got.feeds, [])
  assert.deepEqual(pairs(got.parameters), { town: 'Wien' })
  const result = await ow.actions.invoke({ name: `/guest/${name}/inner`, blocking: true, result: true, params: { n: 1 } })
  assert.deepEqual(result, { town: 'Wien', n: 1 })
  assert.equal((await ow.packages.update({ name, package: { parameters: [{ key: 'town', value: 'Graz' }] } })).version, '0.0.2')
  assert.ok((await ow.packages.list({ limit: 200 })).some(p => p.name === name))
  assert.ok((await ow.packages.list({ count: true })).packages >= 1)
  await assert.rejects(ow.packages.delete(name), { statusCode: 409 })
  await ow.actions.delete(`/_/${name}/inner`)
  assert.equal((await ow.packages.delete({ packageName: name })).name, name)
  await assert.rejects(ow.packages.get(name), { statusCode: 404 })
})

test('packages: a binding adds its parameters', async () => {
  const name = unique('provider')
  const binding = unique('bound')
  await ow.packages.create({ name, package: { parameters: [{ key: 'a', value: 1 }, { key: 'b', value: 1 }] } })
  await ow.actions.create({ name: `${name}/show`, action: echo })
  const made = await ow.packages.create({
    name: binding, package: { binding: { namespace: 'guest', name }, parameters: [{ key: 'b', value: 2 }] }
  })
  assert.deepEqual(made.binding, { namespace: 'guest', name })
  assert.deepEqual(await ow.actions.invoke({ name: `/_/${binding}/show`, blocking: true, result: true }), { a: 1, b: 2 })
  assert.deepEqual(pairs((await ow.packages.get(binding)).parameters), { a: 1, b: 2 })
})

test('packages: those of the system are public', async () => {
  const system = await ow.packages.list({ namespace: 'whisk.system', public: true })
  assert.ok(system.some(p => p.name === 'utils'), JSON.stringify(system.map(p => p.name)))
  const words = await ow.actions.invoke({ name: '/whisk.system/utils/split', blocking: true, result: true, params: { payload: 'a b', separator: ' ' } })
  assert.deepEqual(words.lines, ['a', 'b'])
})

test('triggers: create, get, update, list, fire, delete', async () => {
  const name = unique('fired')
  await ow.triggers.create({ name, trigger: { parameters: [{ key: 'a', value: 1 }] }, annotations: { purpose: 'test' } })
  await assert.rejects(ow.triggers.create({ name }), { statusCode: 409 })
  assert.equal((await ow.triggers.update({ name, trigger: { parameters: [{ key: 'a', value: 2 }] } })).version, '0.0.2')
  const got = await ow.triggers.get(name)
  assert.deepEqual(pairs(got.parameters), { a: 2 })
  assert.deepEqual(got.limits, {})
  assert.ok((await ow.triggers.list({ limit: 200 })).some(t => t.name === name))
  assert.ok((await ow.triggers.list({ count: true })).triggers >= 1)
  const fired = await ow.triggers.invoke(name) // no rule: 204 without a body
  assert.ok(!fired || !fired.activationId)
  assert.equal((await ow.triggers.delete({ triggerName: name })).name, name)
  await assert.rejects(ow.triggers.invoke(name), { statusCode: 404 })
})

test('rules: create, fire, disable, enable, list, delete', async () => {
  const [name, trigger, action] = [unique('rule'), unique('trigger'), unique('action')]
  await ow.triggers.create({ name: trigger, trigger: { parameters: [{ key: 'a', value: 1 }] } })
  await ow.actions.create({ name: action, action: echo })
  const made = await ow.rules.create({ name, trigger, action, annotations: { purpose: 'test' } })
  assert.deepEqual([made.trigger, made.action], [{ name: trigger, path: 'guest' }, { name: action, path: 'guest' }])
  assert.equal((await ow.rules.get(name)).status, 'active')
  const { activationId } = await ow.triggers.invoke({ name: trigger, params: { b: 2 } })
  const fired = await record(ow, activationId)
  const [{ success, rule, action: ran, activationId: caused }] = fired.logs.map(line => JSON.parse(line))
  assert.deepEqual([success, rule, ran], [true, `guest/${name}`, `guest/${action}`])
  const whole = await record(ow, caused)
  const { __ow_headers: headers, ...result } = whole.response.result
  assert.deepEqual(result, { a: 1, b: 2 })
  assert.equal(headers['user-agent'], 'openwhisk-client-js')
  await ow.rules.disable({ name })
  assert.equal((await ow.rules.get({ ruleName: name })).status, 'inactive')
  const quiet = await ow.triggers.invoke(trigger)
  assert.ok(!quiet || !quiet.activationId)
  await ow.rules.enable({ name })
  assert.equal((await ow.triggers.get(trigger)).rules[`guest/${name}`].status, 'active')
  assert.equal((await ow.rules.update({ name, trigger, action: `/guest/${action}` })).version, '0.0.2')
  assert.ok((await ow.rules.list({ limit: 200 })).some(r => r.name === name))
  assert.ok((await ow.rules.list({ count: true })).rules >= 1)
  await ow.rules.delete(name)
  await assert.rejects(ow.rules.get(name), { statusCode: 404 })
})

test('rules: what they join must be there', async () => {
  await assert.rejects(ow.rules.create({ name: unique('r'), trigger: unique('no'), action: unique('no') }), { statusCode: 400, message: /does not exist/ })
  assert.throws(() => ow.rules.create({ name: 'r', trigger: 't' }), /Missing mandatory action/)
  assert.throws(() => ow.rules.invoke({ name: 'r' }), /not supported/)
})

test('feeds: every event reaches the feed action with key and trigger', async () => {
  const [name, trigger] = [unique('feed'), unique('source')]
  await ow.actions.create({ name, action: echo, annotations: { feed: true } })
  const events = { create: 'CREATE', get: 'READ', update: 'UPDATE', delete: 'DELETE' }
  for (const [method, event] of Object.entries(events)) {
    const { response } = await ow.feeds[method]({ name, trigger, params: { topic: 'news' } })
    assert.equal(response.result.lifecycleEvent, event)
    assert.equal(response.result.triggerName, `/_/${trigger}`)
    assert.equal(response.result.authKey, process.env.GOWHISK_KEY)
    assert.equal(response.result.topic, 'news')
  }
  for (const event of ['PAUSE', 'UNPAUSE']) {
    assert.equal((await ow.feeds.feed(event, { name, trigger: `/guest/${trigger}` })).response.result.lifecycleEvent, event)
  }
  assert.throws(() => ow.feeds.create({ name }), /Missing mandatory trigger/)
})

test('feeds: an interval of /whisk.system/alarms', async () => {
  const [trigger, action, rule] = [unique('tick'), unique('on-tick'), unique('tick-rule')]
  await ow.triggers.create({ name: trigger })
  await ow.actions.create({ name: action, action: echo })
  await ow.rules.create({ name: rule, trigger, action })
  const feed = { name: '/whisk.system/alarms/interval', trigger: `/guest/${trigger}` }
  await ow.feeds.create({ ...feed, params: { minutes: 1, startDate: Date.now() + 1500, trigger_payload: { n: 1 } } })
  await until(async () => (await ow.activations.list({ name: action })).length > 0, 'the first tick', 15000)
  const { response } = await ow.feeds.get(feed)
  assert.equal(response.result.config.minutes, 1)
  await ow.feeds.update({ ...feed, params: { minutes: 2 } })
  assert.equal((await ow.feeds.get(feed)).response.result.config.minutes, 2)
  await ow.feeds.delete(feed)
  await assert.rejects(ow.feeds.get(feed))
})
