/** What `bench:recovery` fills a data folder with, and how it sees that the state is there again. */
import { count, type Pipeline, pipeline, session, source, sum } from 'pipeline-runtime';
import { z } from 'zod';

type Line = Readonly<Record<string, unknown>>;

export interface RecoveryState {
  readonly definition: Pipeline;
  /** What an event of the fill is; the padding makes up most of the state of a key. */
  readonly paddingChars: number;
  /** The events that fill the state of a key, by source. */
  readonly fill: (key: string) => Readonly<Record<string, Line>>;
  /** Events that change the row of a key that is there, or show one of a key that was not. */
  readonly probe: (key: string, isKnown: boolean) => readonly (readonly [source: string, event: Line])[];
  /** Whether a row shows that the state of its key was found, or that it is new. */
  readonly shows: (row: Line, isKnown: boolean) => boolean;
}

const AT = '2026-01-01T00:00:00Z';

const payments = source('payments', {
  schema: z.object({ account: z.string(), at: z.iso.datetime(), amount: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});
const refunds = source('refunds', {
  schema: z.object({ account: z.string(), at: z.iso.datetime(), amount: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});

const pay = (account: string, amount = 1): Line => ({ account, at: AT, amount });
const counts = (row: Line, isKnown: boolean): boolean => Number(row['payments']) >= (isKnown ? 2 : 1);

export const RECOVERY_STATES = {
  groups: {
    definition: pipeline('recovery', {
      view: payments
        .groupBy((f) => ({ account: f.account }))
        .aggregate((f) => ({ payments: count(), balance: sum(f.amount) }))
        .updates(),
    }),
    paddingChars: 490,
    fill: (key) => ({ payments: pay(key) }),
    probe: (key) => [['payments', pay(key)]],
    shows: counts,
  },
  sessions: {
    definition: pipeline('recovery', {
      view: payments
        .groupBy((f) => ({ account: f.account, session: session(f.at, '1h') }))
        .aggregate((f) => ({ payments: count(), balance: sum(f.amount) }))
        .updates(),
    }),
    paddingChars: 250,
    fill: (key) => ({ payments: pay(key) }),
    probe: (key) => [['payments', pay(key)]],
    shows: counts,
  },
  joins: {
    definition: pipeline('recovery', {
      view: payments
        .join(refunds, {
          how: { kind: 'interval', from: '0s', to: '1h' },
          on: (p, r) => [[p.account, r.account]],
          select: (p, r) => ({ account: p.account, paid: p.amount, back: r.amount }),
        })
        .updates(),
    }),
    paddingChars: 450,
    fill: (key) => ({ payments: pay(key, 7) }),
    // The payment of a key that is known lies in the store alone.
    probe: (key, isKnown) => [
      ...(isKnown ? [] : [['payments', pay(key, 8)] as const]),
      ['refunds', pay(key, 3)],
    ],
    shows: (row, isKnown) => row['paid'] === (isKnown ? 7 : 8) && row['back'] === 3,
  },
} as const satisfies Readonly<Record<string, RecoveryState>>;

export type RecoveryName = keyof typeof RECOVERY_STATES;
