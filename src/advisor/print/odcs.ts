/**
 * The promises as a data contract of the Open Data Contract Standard v3.1: what a reader may count on, property by property.
 * Values are seconds or days; what a team answered with a range or `unsure` is promised at its hard end.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { answerText } from '../complete.ts';
import { hardestFacts, promiseOf } from '../facts.ts';
import { ABOUT } from '../knowledge/architectures.ts';
import type { Architecture } from '../answers.ts';
import type { Recommendation } from '../recommendation.ts';
import { settingsOf } from '../settings.ts';
import { chosenOf } from './phrases.ts';

export interface ContractOptions {
  readonly name: string;
  /** What runs, when it is not what is recommended. */
  readonly chosen?: Architecture;
  /** The views, as objects of the standard; none where nothing is defined yet. */
  readonly schema?: readonly object[];
}

const DAY_SECONDS = 86_400;

const HEAD = `# What readers of the results may count on, as a data contract of the Open Data Contract Standard v3.1.
`;

export function toOdcs(recommendation: Recommendation, options: ContractOptions): string {
  return HEAD + stringify(odcsOf(recommendation, options), { lineWidth: 110 });
}

export function odcsOf(recommendation: Recommendation, options: ContractOptions): object {
  const { answers } = recommendation;
  const chosen = options.chosen ?? recommendation.recommendation;
  return {
    apiVersion: 'v3.1.0',
    kind: 'DataContract',
    id: idOf(options.name),
    name: options.name,
    version: '1.0.0',
    status: 'draft',
    description: {
      purpose: `Results for: ${answers.action}. Computed as ${ABOUT[chosen].name}.`,
      limitations: limitations(recommendation),
    },
    ...(options.schema === undefined ? {} : { schema: options.schema }),
    slaProperties: properties(recommendation, chosen),
  };
}

function limitations({ answers }: Recommendation): string {
  const { max, policy } = answers.lateness;
  const late = {
    correct: 'they are folded in at the next correction',
    'side-output': 'they are kept apart and change no row',
    drop: 'they are counted and dropped',
    unsure: 'what becomes of them is not decided',
  }[policy];
  return `Events may come ${answerText(max)} late; of those that come later still, ${late}.`;
}

interface Property {
  readonly property: string;
  readonly value: number;
  readonly unit: string;
  readonly driver: 'analytics' | 'operational';
  readonly description: string;
}

function properties(recommendation: Recommendation, chosen: Architecture): Property[] {
  const { answers } = recommendation;
  const facts = hardestFacts(answers);
  const { predicted } = chosenOf(recommendation, chosen);
  const settings = settingsOf(chosen, facts);
  const found: Property[] = [
    {
      property: 'latency',
      value: promiseOf(facts),
      unit: 's',
      driver: 'analytics',
      description: 'How old a result may be when it is read; measured, and held against this value.',
    },
    {
      property: 'frequency',
      value: settings.triggerEverySeconds,
      unit: 's',
      driver: 'operational',
      description: 'How often results are computed or committed.',
    },
    {
      property: 'completeness',
      value: Math.floor(predicted.completenessAtRead * 10_000) / 100,
      unit: 'percent',
      driver: 'analytics',
      description: 'Events of a window that are in its result when it is first read; predicted.',
    },
  ];
  if (facts.policy === 'correct')
    found.push({
      property: 'timeToRepair',
      value: facts.correctBy,
      unit: 's',
      driver: 'analytics',
      description: 'By when a corrected result is complete.',
    });
  if (facts.every !== 'never')
    found.push({
      property: 'retention',
      value: Math.ceil(facts.history / DAY_SECONDS),
      unit: 'd',
      driver: 'operational',
      description: 'History that can be processed again.',
    });
  return found;
}

/** The same for the same name; in the form of a UUID made by a rule of one's own (version 8). */
function idOf(name: string): string {
  const hex = createHash('sha256').update(`pipeline-advisor data contract ${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
