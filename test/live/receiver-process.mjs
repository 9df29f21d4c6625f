/**
 * Receives messages as a process of its own, and writes each into a file before it answers: `receiver-process.mjs FILE PORT`.
 * Says its port when it listens. It may be killed at any moment; a line that is whole was received, and what is torn stays alone.
 */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

const [, , file = '', port = '0'] = process.argv;

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const key = request.headers['idempotency-key'] ?? null;
    if (request.method === 'POST')
      appendFileSync(file, `\n${JSON.stringify({ key, body: Buffer.concat(pieces).toString() })}\n`);
    response.writeHead(204).end();
  });
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
