/** Every queue, buffer and wait of the server, with its unit in the name. Tests make them small. */
export interface ServeLimits {
  /** The longest body of one POST over TCP. The control socket streams without an end. */
  readonly bodyBytesMax: number;
  /** A JSON document must be whole before its first event is taken; all that wait for their end share this. */
  readonly bufferedDocumentsBytesMax: number;
  readonly commandBytesMax: number;
  /** Open connections over TCP; those beyond are closed at once. What lines they hold is bounded together: ingest/in-flight.ts. */
  readonly connectionsMax: number;
  readonly rowsDefault: number;
  readonly rowsMax: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long what is left of a refused body is read and thrown away, so that its sender can read the answer. */
  readonly lingerTimeoutMs: number;
  readonly closeTimeoutMs: number;
  /** Open streams of changes. */
  readonly streamsMax: number;
  /** What one stream may hold back for a client that does not read, sent and unsent together. */
  readonly streamBufferedBytesMax: number;
  /** What all streams together may hold back: each an equal part of it, where that is less. */
  readonly streamsBufferedBytesMax: number;
  /** Changes of one stream leave together, at most once in this time. */
  readonly streamFlushEveryMs: number;
  readonly streamHeartbeatEveryMs: number;
  readonly historyEveryMs: number;
  readonly historySamplesMax: number;
}

export const SERVE_LIMITS: ServeLimits = {
  bodyBytesMax: 64_000_000,
  bufferedDocumentsBytesMax: 128_000_000,
  commandBytesMax: 1_000_000,
  connectionsMax: 256,
  rowsDefault: 1000,
  rowsMax: 100_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  lingerTimeoutMs: 2_000,
  closeTimeoutMs: 2_000,
  streamsMax: 100,
  streamBufferedBytesMax: 4_000_000,
  streamsBufferedBytesMax: 64_000_000,
  streamFlushEveryMs: 100,
  streamHeartbeatEveryMs: 15_000,
  historyEveryMs: 2_000,
  historySamplesMax: 300,
};
