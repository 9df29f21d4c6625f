/** Streams in shorthand for the tests of what cost other engines their users' trust. */
import { crc32 } from 'node:zlib';
import { pipeline, source, type View } from 'pipeline-runtime';
import { TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { z } from 'zod';

type Policy = 'correct' | 'drop' | 'side-output';

export interface Rules {
  readonly delay?: string;
  readonly allowed?: string;
  readonly then?: Policy;
  readonly idleAfter?: string;
}

/** A source of readings: a key, a time, a value. */
export function readings(
  name: string,
  { delay = '0s', allowed = '0s', then = 'drop', idleAfter }: Rules = {},
) {
  return source(name, {
    schema: z.object({ key: z.string(), at: z.iso.datetime(), value: z.int() }),
    eventTime: 'at',
    watermark: { delay, ...(idleAfter !== undefined && { idleAfter }) },
    lateness: { allowed, then },
  });
}

/** `a@10:05` or `a@10:05:30.001 7`: a reading of that key on 1 January 2001, with the value 1 unless said. */
export function event(text: string): { key: string; at: string; value: number } {
  const [, key = '', minute = '', second = ':00', value = '1'] =
    /^(\w+)@(\d\d:\d\d)(:[\d.]+)?(?: (-?\d+))?$/.exec(text) ?? [];
  if (key === '') throw new Error(`${text} is no event`);
  return { key, at: `2001-01-01T${minute}${second}Z`, value: Number(value) };
}

/** A value makes the text of the event go to this one of two partitions. */
export function ofPartition(partition: number, text: string): object {
  for (let value = 0; ; value++) {
    const found = { ...event(text), value };
    if (crc32(JSON.stringify(found)) % 2 === partition) return found;
  }
}

export function open(views: Record<string, View<unknown>>, options: TestOptions = {}): Promise<TestDriver> {
  return TestDriver.open(pipeline('pains', views), options);
}

/** Sends one event after the other, each in an epoch of its own; `b: a@10:05` goes to the source b, others to a. */
export async function feed(driver: TestDriver, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const [, name = 'a', rest = ''] = /^(?:(\w+): )?(.*)$/.exec(text) ?? [];
    await driver.send(name, [event(rest)]);
    await driver.settle();
  }
}

/** From `10:00` to `10:10`. */
export const from = (start: string, end: string) => ({
  start: `2001-01-01T${start}:00.000Z`,
  end: `2001-01-01T${end}:00.000Z`,
});

export const lateTotal = async (driver: TestDriver): Promise<number> =>
  (await driver.engine.status()).late.total;

export const stateKeys = async (driver: TestDriver): Promise<number> =>
  (await driver.engine.status()).state.keys;
