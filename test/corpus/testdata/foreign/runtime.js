// A runtime with OpenWhisk's contract and nothing of gowhisk in it: what the shim is put in front of.
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const zlib = require('zlib');

let main;

// extract writes the files of an archive.
function extract(archive, dir) {
  const end = archive.lastIndexOf('PK\x05\x06');
  let entry = archive.readUInt32LE(end + 16);
  for (let n = archive.readUInt16LE(end + 10); n > 0; n--) {
    const [method, size, local] = [archive.readUInt16LE(entry + 10), archive.readUInt32LE(entry + 20), archive.readUInt32LE(entry + 42)];
    const [name, extra, comment] = [28, 30, 32].map((at) => archive.readUInt16LE(entry + at));
    const file = path.join(dir, archive.toString('utf8', entry + 46, entry + 46 + name));
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(start, start + size);
    fs.mkdirSync(path.dirname(file), {recursive: true});
    if (!file.endsWith('/')) fs.writeFileSync(file, method === 0 ? packed : zlib.inflateRawSync(packed));
    entry += 46 + name + extra + comment;
  }
}

function load({code, main: name = 'main', binary, env = {}}) {
  Object.assign(process.env, env);
  if (!binary) return eval(`(function () { ${code}\nreturn ${name}; })()`);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'foreign'));
  extract(Buffer.from(code, 'base64'), dir);
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
