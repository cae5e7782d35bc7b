// Sends one text message to a WebSocket server and closes the connection.
const crypto = require('crypto')

const timeout = 30_000

function main({ uri, payload }) {
  if (!uri) return { error: "Expected an argument 'uri' such as ws://host/path." }
  if (payload === undefined) return { error: "Expected an argument 'payload' with the message." }
  let target
  try {
    target = new URL(uri)
  } catch {
    return { error: `'${uri}' is not a URI.` }
  }
  if (!['ws:', 'wss:'].includes(target.protocol)) return { error: `'${uri}' is not a URI of ws or wss.` }
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return send(target, text).then(() => ({ payload }), error => ({ error: `The message was not sent: ${error.message}` }))
}

// send opens a connection, writes the message and a close frame, and waits
// until the server has closed, too.
function send(target, text) {
  const secure = target.protocol === 'wss:'
  const key = crypto.randomBytes(16).toString('base64')
  const proof = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return new Promise((resolve, reject) => {
    const request = require(secure ? 'https' : 'http').request({
      hostname: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port || (secure ? 443 : 80),
      path: target.pathname + target.search,
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key },
      timeout
    })
    request.on('timeout', () => request.destroy(new Error('the server does not answer')))
    request.on('error', reject)
    request.on('response', answer => reject(new Error(`the server answered ${answer.statusCode}`)))
    request.on('upgrade', (answer, socket) => {
      if (answer.headers['sec-websocket-accept'] !== proof) {
        socket.destroy()
        return reject(new Error('the server does not speak WebSocket'))
      }
      socket.setTimeout(timeout, () => socket.destroy(new Error('the server does not close')))
      socket.on('error', reject)
      socket.on('close', resolve)
      socket.resume()
      socket.write(frame(0x1, Buffer.from(text)))
      socket.end(frame(0x8, Buffer.from([0x03, 0xe8])))
    })
    request.end()
  })
}

// frame is a final frame of a client, which must be masked.
function frame(opcode, data) {
  const mask = crypto.randomBytes(4)
  const long = data.length < 126 ? 0 : data.length < 65536 ? 2 : 8
  const head = Buffer.alloc(2 + long)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (long === 0 ? data.length : long === 2 ? 126 : 127)
  if (long === 2) head.writeUInt16BE(data.length, 2)
  if (long === 8) head.writeBigUInt64BE(BigInt(data.length), 2)
  return Buffer.concat([head, mask, data.map((byte, i) => byte ^ mask[i % 4])])
}
