'use strict'
const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const fs = require('node:fs')
const { execFileSync } = require('node:child_process')
const openwhisk = require('openwhisk')
const { apihost, key, client, unique } = require('../setup')

const secure = process.env.GOWHISK_TLS_URL
const secureKey = process.env.GOWHISK_TLS_KEY

// between starts a server that looks at every request and then passes it on.
async function between (t, look) {
  const server = http.createServer((req, res) => {
    if (look(req, res) === false) return
    const to = new URL(req.url, apihost)
    const next = http.request(to, { method: req.method, headers: { ...req.headers, host: to.host } }, answer => {
      res.writeHead(answer.statusCode, answer.headers)
      answer.pipe(res)
    })
    req.pipe(next)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${server.address().port}`
}

test('options: without a key or a host the client says so', () => {
  assert.throws(() => openwhisk({ apihost }), /Missing api_key/)
  assert.throws(() => openwhisk({ api_key: key }), /Missing either api or apihost/)
  assert.throws(() => openwhisk({ apihost, api_key: key, retry: 3 }), /'retry' option must be an object/)
})

test('options: api, apiversion and namespace', async () => {
  const named = openwhisk({ api: `${apihost}/api/v1`, api_key: key, namespace: 'guest' })
  assert.deepEqual(await named.namespaces.list(), ['guest'])
  assert.ok(Array.isArray(await named.actions.list()))
  await assert.rejects(client({ apiversion: 'v9' }).actions.list(), { statusCode: 404 })
  await assert.rejects(client({ namespace: 'somebody' }).actions.list(), { statusCode: 403 })
})

test('options: everything from the environment, as inside an action', () => {
  const script = "require(process.argv[1])().namespaces.list().then(l => console.log(l.join()))"
  const env = { ...process.env, __OW_API_HOST: apihost, __OW_API_KEY: key, __OW_NAMESPACE: 'guest', __OW_IGNORE_CERTS: 'true' }
  const said = execFileSync(process.execPath, ['-e', script, require.resolve('openwhisk')], { env })
  assert.equal(String(said).trim(), 'guest')
})

test('options: a wrong key and a malformed one', async () => {
  const id = key.split(':')[0]
  await assert.rejects(client({ api_key: `${id}:${'0'.repeat(64)}` }).actions.list(), error => {
    assert.equal(error.statusCode, 401)
    assert.match(error.message, /The supplied authentication is invalid/)
    return true
  })
  await assert.rejects(client({ api_key: 'nonsense' }).actions.list(), { statusCode: 401 })
})

test('options: a handler makes the header', async () => {
  const header = `Basic ${Buffer.from(key).toString('base64')}`
  const handled = openwhisk({ apihost, auth_handler: { getAuthHeader: () => Promise.resolve(header) } })
  assert.deepEqual(await handled.namespaces.list(), ['guest'])
  const bearer = openwhisk({ apihost, auth_handler: { getAuthHeader: () => Promise.resolve('Bearer abc') } })
  await assert.rejects(bearer.namespaces.list(), { statusCode: 401 })
})

test('options: a self-signed certificate is refused, and accepted with ignore_certs', async () => {
  const options = { apihost: secure, api_key: secureKey }
  await assert.rejects(openwhisk(options).namespaces.list(), /self-signed certificate/)
  assert.deepEqual(await openwhisk({ ...options, ignore_certs: true }).namespaces.list(), ['guest'])
})

test('options: a host without a scheme is asked by TLS', async () => {
  const bare = openwhisk({ apihost: secure.replace('https://', ''), api_key: secureKey, ignore_certs: true })
  assert.deepEqual(await bare.namespaces.list(), ['guest'])
})

test('options: a certificate of the client does no harm', async () => {
  const cert = fs.readFileSync(process.env.CLIENT_CERT)
  const own = openwhisk({ apihost: secure, api_key: secureKey, ignore_certs: true, cert, key: fs.readFileSync(process.env.CLIENT_KEY) })
  assert.deepEqual(await own.namespaces.list(), ['guest'])
})

test('options: the name of the client is sent or changed', async t => {
  const seen = []
  const url = await between(t, req => { seen.push(req.headers['user-agent']) })
  await client({ apihost: url }).namespaces.list()
  await client({ apihost: url }).namespaces.list({ 'User-Agent': 'mine/1' })
  assert.deepEqual(seen, ['openwhisk-client-js', 'mine/1'])
})

test('options: the name of the client is left out', { skip: 'the client sets a header to undefined, which Node.js refuses' }, () =>
  client({ noUserAgent: true }).namespaces.list())

test('options: retry goes on after failures of the way', async t => {
  let failures = 2
  const url = await between(t, (req, res) => {
    if (failures-- <= 0) return
    res.writeHead(503, { 'Content-Type': 'application/json' })
    res.end('{"error":"not now"}')
    return false
  })
  const retried = []
  const patient = client({ apihost: url, retry: { retries: 3, minTimeout: 5, onRetry: error => retried.push(error.statusCode) } })
  assert.deepEqual(await patient.namespaces.list(), ['guest'])
  assert.deepEqual(retried, [503, 503])
  failures = 2
  await assert.rejects(client({ apihost: url }).namespaces.list(), { statusCode: 503, message: /not now/ })
})

test('options: proxy and agent', async t => {
  const seen = []
  const url = await between(t, req => { seen.push(req.url) })
  await client({ proxy: url }).namespaces.list()
  assert.deepEqual(seen, [`${apihost}/api/v1/namespaces`])
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const kept = client({ agent })
  for (let i = 0; i < 3; i++) await kept.namespaces.list()
  assert.equal(Object.values(agent.sockets).concat(Object.values(agent.freeSockets)).flat().length, 1)
})

test('options: the transaction of the caller is the one in an error', async t => {
  process.env.__OW_TRANSACTION_ID = unique('tid').padEnd(32, 'x')
  t.after(() => { delete process.env.__OW_TRANSACTION_ID })
  await assert.rejects(client().actions.get(unique('missing')), error => {
    assert.equal(error.error.code, process.env.__OW_TRANSACTION_ID)
    return true
  })
})

test('options: nobody listens', async () => {
  await assert.rejects(client({ apihost: 'http://127.0.0.1:1' }).actions.list(), /ECONNREFUSED/)
})
