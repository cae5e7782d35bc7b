'use strict'
const test = require('node:test')
const assert = require('node:assert/strict')
const { client, key, unique } = require('../setup')

const ow = client({ apigw_token: 'token' })
const web = { 'web-export': true, 'raw-http': false }
const show = 'function main (args) { return { body: { method: args.__ow_method, path: args.__ow_path, who: args.who || null } } }'

async function action () {
  const name = unique('web')
  await ow.actions.create({ name, action: show, annotations: web })
  return name
}

test('routes: create, call, list, get, delete', async () => {
  const name = await action()
  const basepath = `/${unique('base')}`
  const made = await ow.routes.create({ basepath, relpath: '/hello', operation: 'GET', action: name, name: 'greetings', responsetype: 'http' })
  assert.match(made.gwApiUrl, /^https?:\/\//)
  const answer = await fetch(`${made.gwApiUrl}/hello?who=Ada`)
  assert.equal(answer.status, 200)
  assert.equal((await answer.json()).who, 'Ada')
  await ow.routes.create({ basepath, relpath: '/bye', operation: 'POST', action: `/guest/${name}`, responsetype: 'http' })
  const { apis } = await ow.routes.list({ basepath })
  assert.equal(apis.length, 1)
  assert.deepEqual(Object.keys(apis[0].value.apidoc.paths).sort(), ['/bye', '/hello'])
  assert.equal((await ow.routes.get({ basepath })).apis.length, 1)
  assert.equal((await ow.routes.list({ basepath, relpath: '/bye', operation: 'POST' })).apis.length, 1)
  await ow.routes.delete({ basepath, relpath: '/hello', operation: 'GET' })
  assert.equal((await fetch(`${made.gwApiUrl}/hello`)).status, 404)
  assert.equal((await fetch(`${made.gwApiUrl}/bye`, { method: 'POST' })).status, 200)
  await ow.routes.delete({ basepath })
  assert.equal((await ow.routes.list({ basepath })).apis.length, 0)
})

test('routes: the response type is json unless told', async () => {
  const name = await action()
  const basepath = `/${unique('types')}`
  const made = await ow.routes.create({ basepath, relpath: '/json', operation: 'GET', action: name })
  const answer = await fetch(`${made.gwApiUrl}/json?who=Ada`)
  assert.match(answer.headers.get('content-type'), /^application\/json/)
  assert.equal((await answer.json()).body.who, 'Ada')
})

test('routes: parameters in the path', async () => {
  const name = await action()
  const basepath = `/${unique('books')}`
  const made = await ow.routes.create({ basepath, relpath: '/book/{isbn}/page/{page}', operation: 'GET', action: name, responsetype: 'http' })
  const answer = await fetch(`${made.gwApiUrl}/book/12/page/7`)
  assert.equal(answer.status, 200)
  assert.match((await answer.json()).path, /\/book\/12\/page\/7$/)
  const [{ value }] = (await ow.routes.list({ basepath })).apis
  const { parameters } = value.apidoc.paths['/book/{isbn}/page/{page}'].get
  assert.deepEqual(parameters.map(p => p.name), ['isbn', 'page'])
})

test('routes: a whole swagger document', async () => {
  const name = await action()
  const basePath = `/${unique('swagger')}`
  const url = new URL(`/api/v1/web/guest/default/${name}.http`, process.env.GOWHISK_URL).href
  const swagger = {
    swagger: '2.0',
    basePath,
    info: { title: 'from a document', version: '1.0' },
    paths: {
      '/hello': {
        get: {
          operationId: `get_${name}`,
          'x-openwhisk': { action: name, namespace: 'guest', package: 'default', url },
          responses: { default: { description: 'Default response' } }
        }
      }
    },
    'x-ibm-configuration': {
      assembly: {
        execute: [{
          'operation-switch': {
            case: [{
              operations: [`get_${name}`],
              execute: [{ invoke: { 'target-url': url, verb: 'keep' } }, { 'set-variable': { actions: [{ set: 'message.headers.Authorization', value: `Basic ${Buffer.from(key).toString('base64')}` }] } }]
            }]
          }
        }]
      }
    }
  }
  const made = await ow.routes.create({ swagger: JSON.stringify(swagger) })
  const answer = await fetch(`${made.gwApiUrl}/hello?who=Eve`)
  assert.equal(answer.status, 200)
  assert.equal((await answer.json()).who, 'Eve')
  await ow.routes.delete({ basepath: basePath })
})

test('routes: without a token the key alone is enough', async () => {
  const name = await action()
  const plain = client()
  const basepath = `/${unique('plain')}`
  await plain.routes.create({ basepath, relpath: '/x', operation: 'GET', action: name })
  assert.equal((await plain.routes.list({ basepath })).apis.length, 1)
  await plain.routes.delete({ basepath })
})

test('routes: what is missing is said', async () => {
  assert.throws(() => ow.routes.create({ relpath: '/x' }), /Missing mandatory parameters: operation, action/)
  assert.throws(() => ow.routes.delete({}), /Missing mandatory parameters: basepath or name/)
  await assert.rejects(ow.routes.delete({ basepath: `/${unique('missing')}` }), /does not exist/)
})
