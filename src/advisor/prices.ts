/**
 * Prices and efforts of a team's own: a file that names any of the figures of `knowledge/assumptions.ts`, which it overrides.
 *
 *   prices.yaml ─► pricesSchema ─► assumedFrom ─► Assumptions
 */
import { z } from 'zod';
import { ARCHITECTURES } from './answers.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';

const figure = z
  .number({ error: 'is not a number, 0 or more' })
  .min(0, 'is less than 0')
  .max(1e6, 'is more than 1000000');

const list = z
  .strictObject({ coreHourUsd: figure, diskGbMonthUsd: figure, objectGbMonthUsd: figure })
  .partial();
const load = z.strictObject({ base: figure, reprocess: figure }).partial();

export const pricesSchema = z
  .strictObject({
    cloud: list,
    hardware: list,
    personHourUsd: figure,
    engineerHours: figure.min(1, 'is less than 1'),
    effort: z
      .strictObject({
        batch: load,
        'micro-batch': load,
        streaming: load,
        kappa: load,
        lambda: load,
        reconcile: figure,
        secondCodebase: figure,
        keepHistory: figure,
        loadHistory: figure,
        holdEffects: figure,
      })
      .partial(),
    stopsPerMonth: figure,
  })
  .partial();
export type GivenPrices = z.output<typeof pricesSchema>;

/** What the model counts with when a team gives figures of its own; `where` is the file that they come from. */
export function assumedFrom(given: GivenPrices, where: string): Assumptions {
  const { effort = {} } = given;
  const loads = Object.fromEntries(
    ARCHITECTURES.map((architecture) => [
      architecture,
      { ...ASSUMED.effort[architecture], ...effort[architecture] },
    ]),
  ) as Pick<Assumptions['effort'], (typeof ARCHITECTURES)[number]>;
  return {
    ...ASSUMED,
    ...given,
    cloud: { ...ASSUMED.cloud, ...given.cloud },
    hardware: { ...ASSUMED.hardware, ...given.hardware },
    effort: { ...ASSUMED.effort, ...effort, ...loads },
    given: { where, names: namesOf(given) },
  } as Assumptions;
}

/** `cloud.coreHourUsd` and its like. */
function namesOf(given: object, before = ''): string[] {
  return Object.entries(given).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? namesOf(value as object, `${before}${name}.`)
      : [before + name],
  );
}

/** A group of the file: its comment, and the entries of the knowledge base that its figures come from. */
const GROUPS: readonly (readonly [keyof GivenPrices, string, readonly string[]])[] = [
  [
    'cloud',
    'List prices. A core hour is one unit of a managed stream.',
    ['msf-kpu-price', 'gp3-price', 's3-price'],
  ],
  ['hardware', 'The same on machines of your own (cloud: none).', ['ours-hardware']],
  ['personHourUsd', 'What an hour of an engineer costs, all included.', ['ours-person-hour']],
  ['engineerHours', 'Hours that one engineer has in a month for operating pipelines.', ['ours-person-hour']],
  [
    'effort',
    'Hours in a month: base, and for each reprocessing; then what comes on top of them.',
    ['ours-effort', 'kafka-fte'],
  ],
  ['stopsPerMonth', 'How often a stream job stops until somebody helps it.', ['ours-stops']],
];

/** The figures as a file to edit: what is left out stays as it is here. */
export function pricesTemplate(sourceOf: (id: string) => string): string {
  const lines = GROUPS.flatMap(([name, comment, sources]) => [
    `# ${comment}`,
    ...sources.map((id) => `#   ${id}: ${sourceOf(id)}`),
    ...yamlOf(name, ASSUMED[name]),
    '',
  ]);
  return [
    '# What the advisor counts with. Change what you know better; a line that is left out keeps its value.',
    '',
    ...lines,
  ].join('\n');
}

function yamlOf(name: string, value: unknown, indent = ''): string[] {
  if (typeof value === 'number') return [`${indent}${name}: ${value}`];
  const entries = Object.entries(value as object) as [string, unknown][];
  const flat = entries.every(([, inner]) => typeof inner === 'number');
  if (flat)
    return [`${indent}${name}: { ${entries.map(([key, inner]) => `${key}: ${String(inner)}`).join(', ')} }`];
  return [`${indent}${name}:`, ...entries.flatMap(([key, inner]) => yamlOf(key, inner, `${indent}  `))];
}
