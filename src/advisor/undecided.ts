/** What open answers leave possible, which of them decides, and what to go and measure. */
import type { Answers, Architecture } from './answers.ts';
import { answerAt, answerText, secondsText } from './complete.ts';
import { openPoints, type OpenPoint } from './facts.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';
import { questionOf } from './questions.ts';
import type { Recommendation } from './recommendation.ts';
import { verdictAt, verdictOf } from './verdict.ts';

export interface Openness {
  /** The recommendation first, then the others by simplicity. */
  readonly possible: readonly Architecture[];
  readonly undecided?: NonNullable<Recommendation['undecided']>;
}

/** How an answer that nobody knows is found out. */
const FIND_OUT: Readonly<Record<string, string>> = {
  freshness:
    'Ask whoever acts on the result how soon they do, and what a later one would have cost last month.',
  'lateness.policy': 'Ask whoever signs the figures whether a published one may change.',
  'reprocessing.every': 'Count how often history had to be computed again last year, and why.',
  'reprocessing.history': 'Look how far back the last corrections reached.',
  maturity: 'Ask who has brought a stateful stream back at night, and how often.',
  'volume.eventsPerSecond': 'Run `advisor profile` over a day of real events.',
  'volume.bytesPerEvent': 'Run `advisor profile` over a day of real events.',
  arrival: 'Run `advisor profile` over a day of real events that carry their arrival time.',
  arrivalEvery: 'Run `advisor profile` over a day of real events that carry their arrival time.',
  accuracy: 'Ask whether a first figure may be off by a few percent if the exact one follows.',
  duplicates: 'Ask what one event that counts twice would cost, and who would notice.',
  'team.engineers': 'Count who could be asked at any hour.',
  correctBy: 'Ask by when a wrong figure has done its harm.',
  historyIn: 'Look how long the log is kept, and whether raw events are stored anywhere else.',
  effects: 'List what the pipeline sends, books or pays.',
  codebases: 'Ask whether the logic exists a second time already, and who keeps the two equal.',
  asked: 'Ask whether anyone will want this answer again next week.',
};

/** Every verdict that the answers leave open, and the answer that would settle most if it were known. */
export function opennessOf(answers: Answers, assumed: Assumptions = ASSUMED): Openness {
  const recommendation = verdictOf(answers, assumed);
  const { axes, points } = openPoints(answers, assumed);
  const verdicts = points.map((point) => verdictAt(point.facts));
  const found = new Set(verdicts);
  const possible = [
    recommendation,
    ...SIMPLEST_FIRST.filter((architecture) => architecture !== recommendation && found.has(architecture)),
  ];
  if (possible.length === 1) return { possible };
  const ranked = axes.map((path, axis) => {
    const groups = groupsOf(points, verdicts, axis);
    return { path, groups, left: average([...groups.values()].map((group) => group.size)) };
  });
  ranked.sort((a, b) => a.left - b.left);
  const [most] = ranked;
  if (most === undefined) return { possible };
  const given = answerText(answerAt(answers, most.path));
  return {
    possible,
    undecided: {
      answer: most.path,
      says: `${most.path} (${given}) matters most. ${leadsText(most.path, most.groups)}`,
      ...(FIND_OUT[most.path] === undefined ? {} : { findOut: FIND_OUT[most.path] ?? '' }),
    },
  };
}

/** The verdicts that are open once the answer of one axis is known, by that answer. */
function groupsOf(
  points: readonly OpenPoint[],
  verdicts: readonly Architecture[],
  axis: number,
): Map<unknown, Set<Architecture>> {
  const groups = new Map<unknown, Set<Architecture>>();
  points.forEach((point, index) => {
    const key = point.values[axis];
    const group = groups.get(key) ?? new Set();
    const verdict = verdicts[index];
    if (verdict !== undefined) group.add(verdict);
    groups.set(key, group);
  });
  return groups;
}

/** `Where it is never: streaming; monthly, weekly: kappa.` */
function leadsText(path: string, groups: ReadonlyMap<unknown, ReadonlySet<Architecture>>): string {
  const { kind } = questionOf(path);
  const label = (value: unknown): string =>
    kind === 'duration'
      ? secondsText(Number((value as number).toPrecision(3)))
      : kind === 'number'
        ? String(Number((value as number).toPrecision(3)))
        : answerText(value);
  const keys = [...groups.keys()];
  if (kind === 'duration' || kind === 'number') keys.sort((a, b) => (a as number) - (b as number));
  const byVerdicts = new Map<string, string[]>();
  for (const key of keys) {
    const verdicts = SIMPLEST_FIRST.filter((architecture) => groups.get(key)?.has(architecture)).join(' or ');
    byVerdicts.set(verdicts, [...(byVerdicts.get(verdicts) ?? []), label(key)]);
  }
  const parts = [...byVerdicts].map(([verdicts, values]) => `${values.join(', ')}: ${verdicts}`);
  return `Where it is ${parts.join('; ')}.`;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
