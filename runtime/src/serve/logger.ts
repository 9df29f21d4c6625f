import type { Logger } from 'pino';

/** What the server needs from pino. */
export type ServeLogger = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
