/** What lets the outside in: clock, chance, timers, files, network, processes. Only `runtime/src/ports` may. */

/** Modules of Node that may be imported elsewhere, with the names that may; `*` is all of them. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  buffer: ['*'],
  crypto: ['createHash', 'timingSafeEqual'],
  events: ['*'],
  http: ['STATUS_CODES'],
  module: ['isBuiltin'],
  net: ['BlockList', 'isIP'],
  os: ['tmpdir'],
  path: ['*'],
  process: ['process'],
  stream: ['*'],
  'stream/promises': ['*'],
  url: ['*'],
  util: ['*'],
  v8: ['getHeapStatistics'],
  zlib: ['crc32', 'gzipSync', 'gunzipSync'],
};

const GLOBALS = new RegExp(
  [
    String.raw`\bDate\.now\b|\bDate\[|\bnew Date\(\)|(?<!new )\bDate\(|\}\s*=\s*(?:Date|Math|performance|crypto)\b`,
    String.raw`\bMath\.random\b|\bMath\[|\bcrypto\.(?:randomUUID|getRandomValues)\b`,
    String.raw`\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b|\bAbortSignal\.timeout\b|\bAtomics\.wait`,
    String.raw`\bperformance\.\w|\bprocess\w*\.(?:hrtime|uptime|cpuUsage|nextTick|getBuiltinModule|binding)\b`,
    String.raw`(?<![.\w#])(?:fetch|require)\(|\bnew (?:WebSocket|EventSource|BroadcastChannel)\b`,
  ].join('|'),
  'g',
);

const BUILTINS =
  /^(?:node:)?(?:fs|net|tls|dgram|dns|https?|http2|timers|child_process|cluster|worker_threads|perf_hooks|crypto|os|inspector|repl|vm|wasi|async_hooks|readline)(?:\/|$)/;

interface Hit {
  readonly index: number;
  readonly text: string;
}

/** Where a text lets the outside in. Comments are looked at like code: nobody needs to name these there. */
export function doorsIn(text: string): readonly Hit[] {
  const hits: Hit[] = [...text.matchAll(GLOBALS)].map(({ index, 0: found }) => ({ index, text: found }));
  for (const { index, 1: names = '', 2: from = '' } of text.matchAll(
    /^(?:import|export) (?!type\b)([^;'"]*?)\s*\bfrom '([^']+)'/gm,
  )) {
    for (const name of harmful(names, from)) hits.push({ index, text: `${name} from '${from}'` });
  }
  for (const { index, 1: from = '' } of text.matchAll(/\bimport\(\s*['"`]([^'"`]+)/g))
    if (BUILTINS.test(from)) hits.push({ index, text: `import('${from}')` });
  return hits;
}

function harmful(names: string, from: string): readonly string[] {
  if (!from.startsWith('node:') && !BUILTINS.test(from)) return [];
  const allowed = HARMLESS[from.replace(/^node:/, '')] ?? [];
  if (allowed.includes('*')) return [];
  const imported = names.replace(/[{}]/g, '').split(',');
  return imported
    .map((name) => name.trim().replace(/ as .*/, ''))
    .filter((name) => name !== '' && !name.startsWith('type ') && !allowed.includes(name));
}

/** One line for each way in: every one of them must be found. */
export const WAYS_IN = String.raw`
import { setTimeout as later } from 'node:timers/promises';
import { setTimeout as later } from 'timers/promises';
import { setImmediate } from 'node:timers';
import { readFileSync } from 'node:fs';
import { readFile } from 'fs/promises';
import fs from 'fs';
import * as fs from 'node:fs';
export { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import net from 'node:net';
import { BlockList, connect } from 'node:net';
import { connect } from 'node:tls';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns';
import { request } from 'node:http';
import * as https from 'node:https';
import { connect } from 'node:http2';
import { spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import cluster from 'node:cluster';
import { performance } from 'node:perf_hooks';
import { createHash, randomUUID } from 'node:crypto';
import { randomInt } from 'crypto';
import { hrtime } from 'node:process';
const fs = await import('node:fs');
const fs = require('fs');
const fs = process.getBuiltinModule('fs');
Date.now()
Date['now']()
const { now } = Date;
new Date()
Date()
performance.now()
process.hrtime()
process.hrtime.bigint()
process.uptime()
process.nextTick(goOn)
Math.random()
Math['random']()
crypto.randomUUID()
globalThis.crypto.getRandomValues(bytes)
setTimeout(goOn, 1)
globalThis.setTimeout(goOn, 1)
setInterval(goOn, 1)
setImmediate(goOn)
queueMicrotask(goOn)
AbortSignal.timeout(1)
Atomics.wait(cells, 0, 0)
fetch(url)
new WebSocket(url)
new BroadcastChannel(name)
`
  .trim()
  .split('\n');
