// A runtime with OpenWhisk's contract and nothing of gowhisk in it: what the shim is put in front of.
const {execFileSync} = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');

let main;

function load({code, main: name = 'main', binary, env = {}}) {
  Object.assign(process.env, env);
  if (!binary) return eval(`(function () { ${code}\nreturn ${name}; })()`);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foreign'));
  fs.writeFileSync(path.join(dir, 'action.zip'), Buffer.from(code, 'base64'));
  execFileSync('python3', ['-m', 'zipfile', '-e', path.join(dir, 'action.zip'), dir]);
  return require(dir)[name];
}

async function serve(url, {value, ...activation}) {
  if (url === '/init') {
    if (main) return [403, {error: 'Cannot initialize the action more than once.'}];
    if (!value || !value.code) return [403, {error: 'Missing main/no code to execute.'}];
    main = load(value);
    return [200, {OK: true}];
  }
  if (!main) return [403, {error: 'System not initialized.'}];
  for (const [key, text] of Object.entries(activation)) {
    if (typeof text === 'string') process.env[`__OW_${key.toUpperCase()}`] = text;
  }
  const result = await main(value || {});
  if (result === null || typeof result !== 'object') return [502, {error: 'The action did not return a dictionary or array.'}];
  return [200, result];
}

http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', async () => {
    let answer;
    try {
      answer = await serve(req.url, JSON.parse(Buffer.concat(chunks)));
    } catch (e) {
      answer = [502, {error: `An error has occurred: ${e}`}];
    }
    const body = Buffer.from(JSON.stringify(answer[1]));
    res.writeHead(answer[0], {'Content-Type': 'application/json', 'Content-Length': body.length});
    res.end(body);
    for (const stream of [process.stdout, process.stderr]) stream.write('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n');
  });
}).listen(Number(process.env.PORT || 8080), '127.0.0.1');
