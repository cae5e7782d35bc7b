// An action runtime for Node.js as others make them: OpenWhisk's /init and /run on port 8080.
const http = require('http');

let action;

function init({ code, main, env }) {
  if (action) return [403, { error: 'Cannot initialize the action more than once.' }];
  Object.assign(process.env, env);
  action = code ? new Function(`${code}\nreturn ${main || 'main'};`)() : (args) => ({ in: 'the image', ...args });
  return [200, { OK: true }];
}

async function run(body) {
  for (const key of Object.keys(body)) if (key !== 'value') process.env['__OW_' + key.toUpperCase()] = body[key];
  try {
    return [200, await action(body.value)];
  } catch (e) {
    return [502, { error: String(e) }];
  } finally {
    for (const stream of [process.stdout, process.stderr]) stream.write('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n');
  }
}

http.createServer((req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', async () => {
    const body = JSON.parse(Buffer.concat(parts).toString() || '{}');
    const [status, answer] = req.url === '/init' ? init(body.value) : await run(body);
    res.writeHead(status, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(answer));
  });
}).listen(8080);
process.on('SIGTERM', () => process.exit(0));
