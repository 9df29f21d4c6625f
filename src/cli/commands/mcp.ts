/** `advisor mcp`: serves coding agents over standard input and output, until the input ends. */
import process from 'node:process';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { generatorVersion } from '../../generator/versions.ts';
import { advisorServer } from '../mcp/server.ts';

/** Stdout belongs to the protocol; what goes wrong outside of a call is said on stderr. */
export function serveMcp(): void {
  const version = generatorVersion();
  serveStdio(() => advisorServer(version), {
    onerror: (error) => process.stderr.write(`${error.message.split('\n', 1)[0] ?? ''}\n`),
  });
}
