// The Node.js launcher: one line of JSON in on stdin, one line out on fd 3 (see internal/protocol).
// Works on Node 18 and later. OpenWhisk 3.7.
'use strict';

const fs = require('fs');
const Module = require('module');
const net = require('net');
const path = require('path');
const vm = require('vm');
const { pathToFileURL } = require('url');

const NEWLINE = 10;
const protocolStdin = 0;
const protocolAnswers = 3;

// The user's code must neither read requests nor find itself ended by a full pipe.
const parse = JSON.parse;
const stringify = JSON.stringify;
const writeSync = fs.writeSync;
const exit = process.exit.bind(process);

let rehearsing = false; // what is answered now is for nobody

function answer(text) {
  if (rehearsing) return;
  const line = text + '\n';
  try {
    if (line.length > 16384) writeAll(Buffer.from(line), 0);
    else writeShort(line);
  } catch (e) {
    exit(1); // nobody can hear an answer any more
  }
}

function writeShort(line) {
  let n = 0;
  try {
    n = writeSync(protocolAnswers, line);
  } catch (e) {
    if (e.code !== 'EAGAIN') throw e;
  }
  if (n !== Buffer.byteLength(line)) writeAll(Buffer.from(line), n);
}

function writeAll(buffer, from) {
  while (from < buffer.length) {
    try {
      from += writeSync(protocolAnswers, buffer, from);
    } catch (e) {
      if (e.code !== 'EAGAIN') throw e;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function failure(prefix, status, message) {
  answer(prefix + '!' + status + ' ' + stringify({ error: message }));
}

// ---- requests

// Lines collects chunks and cuts them into lines; a long line is put together once.
class Lines {
  constructor() {
    this.parts = [];
    this.rest = undefined;
  }

  // push adds a chunk, which it keeps, and returns the first complete line as text.
  push(chunk) {
    const end = chunk.indexOf(NEWLINE);
    if (end < 0) {
      this.parts.push(chunk);
      return undefined;
    }
    this.rest = end + 1 < chunk.length ? chunk.subarray(end + 1) : undefined;
    if (this.parts.length === 0) return chunk.utf8Slice(0, end);
    this.parts.push(chunk.subarray(0, end));
    const whole = Buffer.concat(this.parts);
    this.parts = [];
    return whole.utf8Slice(0, whole.length);
  }

  // more returns the next complete line that an earlier chunk brought.
  more() {
    const chunk = this.rest;
    if (chunk === undefined) return undefined;
    this.rest = undefined;
    return this.push(chunk);
  }
}

// serve hands every line to handle, while the event loop keeps turning.
function serve(handle) {
  const lines = new Lines();
  const socket = new net.Socket({
    fd: protocolStdin,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafe(65536),
      callback(n, buffer) {
        if (lines.parts.length === 0 && buffer.indexOf(NEWLINE) === n - 1) {
          handle(buffer.utf8Slice(0, n - 1)); // the usual case: one whole line
          return true;
        }
        for (let line = lines.push(Buffer.from(buffer.subarray(0, n))); line !== undefined; line = lines.more()) handle(line);
        return true;
      },
    },
  });
  socket.on('error', () => exit(1));
  socket.on('end', () => exit(0));
  socket.resume();
}

// ---- loading the action

const asText = (e) => (e && e.stack ? String(e.stack) : String(e));

class InitError extends Error {}

function assertMain(fn, name) {
  if (typeof fn !== 'function') {
    throw new InitError(`Action entrypoint '${name}' is not a function.`);
  }
  return fn;
}

// follow walks a dotted path through a module's exports, also through its default export.
function follow(exported, names) {
  const walk = (from) => {
    let owner;
    let value = from;
    for (const name of names) {
      if (value === undefined || value === null) return undefined;
      owner = value;
      value = value[name];
    }
    return typeof value === 'function' && owner !== from ? value.bind(owner) : value;
  };
  const found = walk(exported);
  if (found === undefined && exported && exported.default !== undefined) {
    if (names.length === 1 && names[0] === 'main' && typeof exported.default === 'function') return exported.default;
    return walk(exported.default);
  }
  return found;
}

const isModuleSyntax = (e) =>
  e instanceof SyntaxError &&
  /Cannot use import statement|Unexpected token 'export'|Cannot use 'import\.meta'|await is only valid/.test(e.message);

// isPath reports whether text is identifiers with dots between. To compile the expression takes as
// long as to load a small action.
const isPath = (text) => text === 'main' || /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d.]*$/u.test(text);

async function loadText(code, main) {
  const dir = process.cwd();
  const file = path.join(dir, 'action.js');
  const module = new Module(file, null);
  module.filename = file;
  module.paths = Module._nodeModulePaths(dir);
  const require = Module.createRequire(file);
  const expression = isPath(main) ? main : 'undefined';
  const tail = `\n;try { return ${expression}; } catch (e) { if (!(e instanceof ReferenceError) && !(e instanceof TypeError)) throw e; }`;
  let found;
  try {
    found = runText(module, require, code + tail);
  } catch (e) {
    if (e instanceof SyntaxError && !isModuleSyntax(e)) checkSyntax(code, file);
    if (!isModuleSyntax(e)) throw e;
    return assertMain(follow(await importText(code), main.split('.')), main);
  }
  if (typeof found === 'function') return found;
  return assertMain(follow(module.exports, main.split('.')), main);
}

// runText runs source as the body of a module and returns what it returns. Node 18 allows import()
// in such source only if its own module loader compiles it.
function runText(module, require, source) {
  const loader = vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  if (loader === undefined) return module._compile(source, module.filename);
  const names = ['exports', 'require', 'module', '__filename', '__dirname'];
  const body = vm.compileFunction(source, names, { filename: module.filename, importModuleDynamically: loader });
  return body.call(module.exports, module.exports, require, module, module.filename, path.dirname(module.filename));
}

// checkSyntax throws what is wrong with the source itself, without what was added to it.
function checkSyntax(source, filename) {
  vm.compileFunction(source, ['exports', 'require', 'module', '__filename', '__dirname'], { filename });
}

// importText loads source text with import or export statements.
async function importText(code) {
  const dir = fs.mkdtempSync(path.join(require('os').tmpdir(), 'action-'));
  const file = path.join(dir, 'action.mjs');
  fs.writeFileSync(file, code);
  return import(pathToFileURL(file).href);
}

async function loadDirectory(dir, main) {
  process.chdir(dir);
  const names = main.split('.');
  let target = dir + path.sep; // the folder, also where a file of that name with an extension is beside it
  const first = names.length > 1 ? findFile(dir, names[0]) : undefined;
  if (first !== undefined) {
    target = first;
    names.shift();
  } else if (!fs.existsSync(path.join(dir, 'package.json')) && !fs.existsSync(path.join(dir, 'index.js'))) {
    const single = findFile(dir, 'index');
    if (single === undefined) {
      throw new InitError('Zipped actions must contain either package.json or index.js at the root.');
    }
    target = single;
  }
  return assertMain(follow(await load(dir, target), names), main);
}

function findFile(dir, name) {
  return ['.js', '.cjs', '.mjs'].map((ext) => path.join(dir, name + ext)).find((file) => fs.existsSync(file));
}

async function load(dir, target) {
  const require = Module.createRequire(path.join(dir, 'index.js'));
  if (target.endsWith('.mjs')) return import(pathToFileURL(target).href);
  try {
    return require(target);
  } catch (e) {
    const async = e.code === 'ERR_REQUIRE_ESM' || e.code === 'ERR_REQUIRE_ASYNC_MODULE' || isModuleSyntax(e);
    if (!async) throw e;
    return import(pathToFileURL(require.resolve(target)).href);
  }
}

async function initialize(init) {
  if (!init.main || (!init.code && !init.dir)) {
    failure('', 403, 'Missing main/no code to execute.');
    return undefined;
  }
  for (const [key, value] of Object.entries(init.env || {})) process.env[key] = value ? value : '';
  if (init.env && init.env.NODE_PATH !== undefined) Module._initPaths();
  try {
    return init.dir ? await loadDirectory(init.dir, init.main) : await loadText(init.code, init.main);
  } catch (e) {
    failure('', 502, 'Initialization has failed due to: ' + (e instanceof InitError ? e.message : asText(e)));
    return undefined;
  }
}

// ---- running the action

// serializable makes an error, or anything else that was thrown, fit for JSON.
function serializable(value, seen) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (seen.includes(value)) return '[Circular]';
  if (typeof value.toJSON === 'function') return value.toJSON();
  const path = seen.concat([value]);
  const to = Array.isArray(value) ? [] : {};
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== 'function') to[key] = serializable(member, path);
  }
  for (const key of ['name', 'message', 'stack', 'code']) {
    if (typeof value[key] === 'string') to[key] = value[key];
  }
  return to;
}

// frameOutput says on fd 3 whose output it is, where several activations print at a time. Output of
// child processes and native code goes to the streams as ever.
function frameOutput() {
  const { AsyncLocalStorage } = require('async_hooks');
  const activation = new AsyncLocalStorage();
  const pieceLength = 8192;
  for (const [stream, tag] of [[process.stdout, '>1 '], [process.stderr, '>2 ']]) {
    const write = stream.write.bind(stream);
    stream.write = (chunk, encoding, callback) => {
      const prefix = activation.getStore();
      if (!prefix) return write(chunk, encoding, callback);
      const done = typeof encoding === 'function' ? encoding : callback;
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      for (let at = 0; at < text.length; ) {
        let end = Math.min(at + pieceLength, text.length);
        if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
        answer(prefix + tag + stringify(text.slice(at, end)));
        at = end;
      }
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
  }
  return activation;
}

// detachEnvironment makes process.env an object of this program. Setting a variable of the process
// costs more than a run of a short action, and the C library never gives the memory of an old value
// back. What the action sets still reaches the process; what the platform sets for a run does not
// need to. It returns a function that takes the body of a run, whose members become variables when
// somebody looks: most actions never do. Those of an earlier run are what they were before then.
function detachEnvironment() {
  const native = process.env;
  const own = { ...native };
  const before = new Map();
  let body;
  const current = () => {
    if (!body) return own;
    for (const [name, value] of before) {
      if (value === undefined) delete own[name];
      else own[name] = value;
    }
    for (const key in body) {
      if (key === 'value' || typeof body[key] !== 'string') continue;
      const name = '__OW_' + key.toUpperCase();
      if (!before.has(name)) before.set(name, own[name]);
      own[name] = body[key];
    }
    body = undefined;
    return own;
  };
  const set = (key, value) => {
    if (typeof key === 'string') native[key] = current()[key] = String(value);
    return true;
  };
  process.env = new Proxy(own, {
    get: (_, key) => (body ? current() : own)[key],
    has: (_, key) => key in current(),
    ownKeys: () => Reflect.ownKeys(current()),
    getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(current(), key),
    set: (_, key, value) => set(key, value),
    defineProperty: (_, key, descriptor) => !('value' in descriptor) || set(key, descriptor.value),
    deleteProperty(_, key) {
      delete native[key];
      return delete current()[key];
    },
  });
  return (run) => {
    body = run;
  };
}

function main(action, concurrent, frames, environ) {
  const activation = concurrent && frames ? frameOutput() : undefined;
  let stopped = false;

  const finish = (prefix, result) => {
    if (result === undefined) {
      answer(prefix + '{}');
      return;
    }
    let text;
    try {
      text = typeof result === 'object' ? stringify(result) : undefined;
    } catch (e) {
      failure(prefix, 502, 'An error has occurred: ' + e);
      return;
    }
    if (text === undefined) failure(prefix, 502, 'The action did not return a dictionary.');
    else answer(prefix + text);
  };
  const rejected = (prefix, reason) => {
    let error = {};
    try {
      if (reason) error = serializable(reason, []);
    } catch (e) {
      error = String(reason);
    }
    finish(prefix, { error });
  };

  return (line) => {
    let body;
    try {
      body = parse(line);
    } catch (e) {
      failure('', 500, 'Bad request.');
      return;
    }
    const prefix = concurrent && body.activation_id ? '@' + body.activation_id + ' ' : '';
    if (stopped) {
      failure(prefix, 403, 'System not ready, status is stopped.');
      return;
    }
    const args = body.value === undefined || body.value === null ? {} : body.value;
    if (typeof args !== 'object') {
      failure(prefix, 403, 'The action did not receive a dictionary or array as an argument.');
      return;
    }
    if (!concurrent) {
      body.value = undefined; // the action alone keeps its arguments
      environ(body);
    }
    let result;
    try {
      result = activation && prefix ? activation.run(prefix, action, args) : action(args);
      if (result === null || typeof result !== 'object' || typeof result.then !== 'function') {
        finish(prefix, result);
        return;
      }
    } catch (e) {
      if (activation) activation.run(prefix, console.error, e);
      else console.error(e);
      stopped = true;
      failure(prefix, 502, 'An error has occurred: ' + e);
      return;
    }
    Promise.resolve(result).then((r) => finish(prefix, r), (e) => rejected(prefix, e));
  };
}

// ---- life

// rehearse goes once through all that an action goes through, so that the first one finds it loaded
// and compiled.
async function rehearse() {
  rehearsing = true;
  try {
    const action = await initialize({ main: 'main', code: 'function main(args) { return args; }' });
    const handle = main(action, false, undefined, () => {});
    const run = { namespace: '_', action_name: '/_/_', activation_id: '0', transaction_id: '0', deadline: '0' };
    for (let i = 0; i < 3; i++) handle(stringify({ value: { i }, ...run }));
    void [process.stdout, process.stderr]; // makes them
  } finally {
    rehearsing = false;
  }
}

// prepareStreams makes what is printed before an answer be in its pipe before the answer: a full
// pipe makes print wait, not Node keep the rest for later. Most actions print nothing, so a stream
// is made when it is first used.
function prepareStreams() {
  for (const name of ['stdout', 'stderr']) {
    const property = Object.getOwnPropertyDescriptor(process, name);
    Object.defineProperty(process, name, {
      ...property,
      get() {
        Object.defineProperty(process, name, property);
        const stream = process[name];
        if (stream._handle && stream._handle.setBlocking) stream._handle.setBlocking(true);
        return stream;
      },
    });
  }
  // fd 0 carries requests: what the action sees as its standard input is empty.
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    get() {
      const stream = require('stream').Readable.from([]);
      Object.defineProperty(process, 'stdin', { value: stream });
      return stream;
    },
  });
}

// receive takes the lines: init until the action is loaded, then runs.
function receive() {
  let run;
  const load = async (init) => {
    const action = await initialize(init);
    if (action === undefined) return;
    const concurrent = process.env.__OW_ALLOW_CONCURRENT === 'true';
    answer('{"ok":true}');
    run = main(action, concurrent, init.frames, detachEnvironment());
  };
  return (line) => {
    if (run !== undefined) {
      run(line);
      return;
    }
    let init;
    try {
      init = parse(line).init;
    } catch (e) {
      init = undefined;
    }
    if (init) load(init);
    else failure('', 403, 'System not initialized.');
  };
}

function live() {
  // Says that no action is there yet for some time, which may be used to get ready for one.
  const waits = process.argv[2] === '--rehearse';
  process.argv.length = 2;
  prepareStreams();
  answer('{"ok":true}');
  serve(receive());
  if (waits) rehearse();
}

live();
