/**
 * One connection to PostgreSQL. Every wait has an end: connecting, a statement, a lock, an answer, and on the server a
 * transaction that nobody goes on with, so that a process that sleeps holds no lock for ever.
 */
import type { Client } from 'pg';
import { CodedError } from '../../base/coded-error.ts';
import { failure } from '../../base/errors.ts';
import { Socket } from '../../ports/network.ts';
import type { Address } from './address.ts';

export type Rows = readonly Readonly<Record<string, unknown>>[];

export interface Connection {
  query(text: string, values?: readonly unknown[]): Promise<Rows>;
  /** Runs some work in a transaction: all of it is there afterwards, or nothing, or, when the answer is lost, either. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  readonly isOpen: boolean;
  close(): Promise<void>;
}

/** An answer takes longer than its statement: it travels. */
const ANSWER_FACTOR = 2;

/** Throws SINK_UNAVAILABLE, SINK_FAILED. */
export async function connect(address: Address, place: string, timeoutMs: number): Promise<Connection> {
  const { default: pg } = await import('pg');
  let socket: Socket | undefined;
  const client = new pg.Client({
    connectionString: address.url,
    application_name: 'pipeline',
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    idle_in_transaction_session_timeout: timeoutMs,
    query_timeout: ANSWER_FACTOR * timeoutMs,
    keepAlive: true,
    stream: () => {
      socket = new Socket();
      return socket;
    },
  });
  const failed = (error: unknown): Error => failureOf(error, place, address);
  let isOpen = true;
  const drop = (): void => {
    isOpen = false;
    socket?.destroy();
  };
  // Without a listener it would end the process; the next query says the same.
  client.on('error', drop);
  try {
    await client.connect();
  } catch (error) {
    drop();
    throw failed(error);
  }
  const query = async (text: string, values: readonly unknown[] = []): Promise<Rows> => {
    try {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values]);
      return rows;
    } catch (error) {
      // What the server did not answer, it may still be doing.
      if (!hasState(error) || isGone(error)) drop();
      throw failed(error);
    }
  };
  return {
    query,
    async transaction(work) {
      await query('BEGIN');
      try {
        const result = await work();
        await query('COMMIT');
        return result;
      } catch (error) {
        if (isOpen) await query('ROLLBACK').catch(drop);
        throw error;
      }
    },
    get isOpen() {
      return isOpen;
    },
    async close() {
      if (isOpen) await endOf(client);
      drop();
    },
  };
}

async function endOf(client: Client): Promise<void> {
  await client.end().catch(() => {});
}

/** The server answered with an error. */
function hasState(error: unknown): error is Error & { readonly code: string } {
  return /^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code)) && !isOfSystem(error);
}

const SYSTEM =
  /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENOTFOUND|EAI_AGAIN|EADDRNOTAVAIL)$/;

function isOfSystem(error: unknown): boolean {
  return SYSTEM.test(String((error as { code?: unknown }).code));
}

/** Classes and codes of PostgreSQL that may pass: connections, resources, locks, shutdowns, conflicts. */
const MAY_PASS = /^(?:08...|53...|57P0[1-5]|57014|55P03|55006|40001|40P01|25P03|25006)$/;
/** Two that made the same table at the same time. */
const CONFLICTS = /^(?:42P07|23505|XX000)$/;

function isGone(error: { readonly code: string }): boolean {
  return /^(?:08...|57P0[1-5]|25P03)$/.test(error.code);
}

function failureOf(error: unknown, place: string, address: Address): Error {
  if (error instanceof CodedError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = address.scrub(code !== undefined && isOfSystem(error) ? `${code}: ${message}` : message);
  const passes = hasState(error)
    ? MAY_PASS.test(error.code) || CONFLICTS.test(error.code)
    : isOfSystem(error) || /terminated|timeout|Connection|closed|not queryable/i.test(message);
  return failure(passes ? 'SINK_UNAVAILABLE' : 'SINK_FAILED', { place, reason });
}
