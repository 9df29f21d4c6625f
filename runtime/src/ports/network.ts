/** Connections come in and go out through here. */
export { createServer, request } from 'node:http';
export { connect, Socket } from 'node:net';

/** One HTTP exchange, as the platform makes it. */
export type Fetch = typeof fetch;
export const systemFetch: Fetch = fetch;
