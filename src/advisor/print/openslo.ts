/**
 * The promises as OpenSLO v1: a service and one objective for each promise that the runtime measures.
 *
 *   freshness   the age of the oldest event that readers cannot see, at most what was asked      a threshold, in seconds
 *   on time     events whose window still took them, of all events                               a ratio
 *
 * OpenSLO's durations have no seconds, so freshness is a threshold and never a duration; a target is below 1.
 */
import { stringify } from 'yaml';
import type { Architecture } from '../answers.ts';
import { secondsText } from '../complete.ts';
import { hardestFacts, promiseOf } from '../facts.ts';
import { ABOUT } from '../knowledge/architectures.ts';
import type { Recommendation } from '../recommendation.ts';

export interface SloOptions {
  /** Of the service; objectives begin with it. */
  readonly name: string;
  /** What runs, when it is not what is recommended. */
  readonly chosen?: Architecture;
}

/** What the predictions are made for: 99 of 100 reads. */
const FRESH_TARGET = 0.99;
/** `lateness.max` is taken for what 999 of 1000 events stay under. */
const ON_TIME_TARGET = 0.999;
const WINDOW = [{ duration: '28d', isRolling: true }];

const HEAD = `# What is promised, as OpenSLO v1. The queries read what \`/metrics\` of the running pipeline shows; whoever watches it
# elsewhere changes them and keeps the objectives.
`;

export function toOpenSlo(recommendation: Recommendation, options: SloOptions): string {
  const documents = openSloOf(recommendation, options).map((document) =>
    stringify(document, { lineWidth: 110 }),
  );
  return HEAD + documents.join('---\n');
}

/** The documents of the file. */
export function openSloOf(recommendation: Recommendation, options: SloOptions): readonly object[] {
  const name = dnsName(options.name);
  const facts = hardestFacts(recommendation.answers);
  const promise = promiseOf(facts);
  const freshness = objectiveOf(name, 'freshness', {
    says: `Results are at most ${secondsText(promise)} old when they are read.`,
    indicator: { thresholdMetric: prometheus('max(pipeline_freshness_seconds)') },
    objective: { op: 'lte', value: promise, target: FRESH_TARGET },
  });
  const onTime = objectiveOf(name, 'on-time', {
    says: `Events come at most ${secondsText(facts.latest)} late, so that their window still takes them.`,
    indicator: {
      ratioMetric: {
        counter: true,
        bad: prometheus('sum(pipeline_late_events_total)'),
        total: prometheus('sum(pipeline_source_events_total)'),
      },
    },
    objective: { target: ON_TIME_TARGET },
  });
  return [
    {
      apiVersion: 'openslo/v1',
      kind: 'Service',
      metadata: { name },
      spec: { description: `Computed as ${ABOUT[options.chosen ?? recommendation.recommendation].name}.` },
    },
    freshness,
    onTime,
  ];
}

interface Objective {
  readonly says: string;
  readonly indicator: object;
  readonly objective: object;
}

function objectiveOf(service: string, about: string, { says, indicator, objective }: Objective): object {
  const name = `${service}-${about}`;
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name },
    spec: {
      description: says,
      service,
      indicator: { metadata: { name: `${name}-indicator` }, spec: indicator },
      timeWindow: WINDOW,
      budgetingMethod: 'Occurrences',
      objectives: [{ displayName: says, ...objective }],
    },
  };
}

function prometheus(query: string): object {
  return { metricSource: { type: 'Prometheus', spec: { query } } };
}

/** A name as DNS takes it, with room for what is put behind it: lower case, digits and dashes. */
function dnsName(text: string): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? 'pipeline' : plain;
}
