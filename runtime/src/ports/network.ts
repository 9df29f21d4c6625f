/** Connections come in and go out through here. */
export { createServer, request } from 'node:http';
export { connect, Socket } from 'node:net';
