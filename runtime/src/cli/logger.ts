import process from 'node:process';
import pino, { type Logger } from 'pino';

/** JSON lines on stderr; warnings and worse, or as PIPELINE_LOG says. Payloads of events are never logged. */
export function loggerOf(): Logger {
  return pino({ level: process.env['PIPELINE_LOG'] ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
}
