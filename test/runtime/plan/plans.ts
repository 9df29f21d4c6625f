/** A plan to be broken: everything may be set to anything. */
export type Draft = { [key: string]: Draft } & {
  [index: number]: Draft;
  push(value: unknown): number;
  pop(): unknown;
};

/** A small valid plan, and a way to say what is different in another. */
export function planOf(change: (plan: Draft) => void = () => {}): unknown {
  const plan = {
    version: 1,
    name: 'departures',
    sources: [
      {
        name: 'flights',
        fields: [
          { name: 'origin', type: 'string', nullable: false },
          { name: 'scheduled', type: 'timestamp', nullable: false },
          { name: 'delay', type: 'integer', nullable: true },
        ],
        eventTime: ['scheduled'],
        watermark: { delayMs: 900_000, idleAfterMs: null, futureMs: 86_400_000 },
        lateness: { allowedMs: 21_600_000, then: 'correct' },
      },
    ],
    functions: [],
    views: [
      {
        name: 'delays',
        mode: 'updates',
        node: {
          kind: 'group',
          input: {
            kind: 'filter',
            input: { kind: 'source', source: 'flights' },
            predicate: {
              kind: 'call',
              fn: 'gt',
              args: [
                { kind: 'field', name: 'delay' },
                { kind: 'literal', type: 'integer', value: 0 },
              ],
            },
          },
          keys: [
            { name: 'origin', expr: { kind: 'field', name: 'origin' } },
            {
              name: 'window',
              window: {
                kind: 'tumbling',
                time: { kind: 'field', name: 'scheduled' },
                sizeMs: 3_600_000,
                offsetMs: 0,
                zone: null,
              },
            },
          ],
          aggregates: [
            { name: 'flights', fn: 'count', arg: null },
            { name: 'meanDelay', fn: 'avg', arg: { kind: 'field', name: 'delay' } },
          ],
          ttlMs: null,
        },
      },
    ],
  };
  change(plan as unknown as Draft);
  return plan;
}
