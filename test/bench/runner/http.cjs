// The least that runs a function behind HTTP, as the runtimes of OpenWhisk do: code in the environment,
// the body of /run in, the result out. It prints its port.
'use strict';

const http = require('http');
const vm = require('vm');

const main = vm.runInThisContext('(' + process.env.CODE + ')');

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const result = JSON.stringify(main(JSON.parse(Buffer.concat(parts).toString()).value));
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(result) });
    response.end(result);
  });
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
