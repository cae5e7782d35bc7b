// The least that runs a function: code in the first line of stdin, a JSON
// argument in every further one, each answered by one line on fd 3.
'use strict';

const fs = require('fs');
const net = require('net');
const vm = require('vm');

let main;
let rest = '';

function handle(line) {
  if (main === undefined) {
    main = vm.runInThisContext('(' + JSON.parse(line) + ')');
    fs.writeSync(3, 'true\n');
    return;
  }
  fs.writeSync(3, JSON.stringify(main(JSON.parse(line))) + '\n');
}

new net.Socket({
  fd: 0,
  readable: true,
  writable: false,
  onread: {
    buffer: Buffer.allocUnsafe(65536),
    callback(n, buffer) {
      const lines = (rest + buffer.latin1Slice(0, n)).split('\n');
      rest = lines.pop();
      for (const line of lines) handle(line);
      return true;
    },
  },
}).on('end', () => process.exit(0)).resume();
