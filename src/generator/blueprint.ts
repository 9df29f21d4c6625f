/**
 * From a verdict to everything a template may say. Templates see only a Blueprint: values that helpers quote, booleans,
 * and two blocks of ready-made text (`decision`, `answersYaml`) that were written by their own emitter.
 */
import type { Architecture } from '../advisor/answers.ts';
import { questionOf } from '../advisor/questions.ts';
import { hardestFacts } from '../advisor/facts.ts';
import { ABOUT } from '../advisor/knowledge/architectures.ts';
import type { Recommendation } from '../advisor/recommendation.ts';
import { correctionsEverySeconds, PARTITION_SECONDS, settingsOf } from '../advisor/settings.ts';
import { spanOf } from '../advisor/spans.ts';
import { answersFileOf } from './answers-file.ts';
import { commandsOf, type Commands, type PackageManager } from './package-manager.ts';
import { PINS, type RuntimeTarball } from './versions.ts';

export interface Choices {
  /** A name that npm accepts. */
  readonly name: string;
  readonly recommendation: Recommendation;
  /** What runs: the recommendation, or what `--architecture` put in its place. */
  readonly architecture: Architecture;
  readonly packageManager: PackageManager;
  readonly runtime: Pick<RuntimeTarball, 'version' | 'fileName'>;
}

export interface Blueprint {
  readonly name: string;
  readonly architecture: Architecture;
  readonly title: string;
  readonly tagline: string;
  readonly policy: LatePolicy;
  readonly correct: boolean;
  readonly drop: boolean;
  readonly sideOutput: boolean;
  /** Who folds late events in under `correct`: the job itself now and then, or each run of the batch layer. */
  readonly correctsItself: boolean;
  readonly correctsByBatch: boolean;
  /** Durations as the files write them. */
  readonly freshness: string;
  readonly watermarkDelay: string;
  readonly allowedLateness: string;
  readonly triggerEvery: string;
  readonly batchEvery: string;
  readonly partition: string;
  readonly correctionsEvery: string;
  /** Whether events are removed from the log at all, and after how long. */
  readonly removes: boolean;
  readonly keepsFor: string;
  readonly commands: Commands;
  readonly pins: typeof PINS;
  readonly runtimeSpecifier: string;
  readonly answersYaml: string;
  readonly lateTest: { readonly title: string; readonly closesAt: string };
}

type LatePolicy = 'correct' | 'drop' | 'side-output';

const TAGLINES: Readonly<Record<Architecture, string>> = {
  batch: 'Batch: runs on a schedule, each replacing whole partitions.',
  'micro-batch': 'Micro-batch: every few minutes, only the new events.',
  streaming: 'Streaming: one process that never stops, event by event.',
  lambda: 'Lambda: a speed layer for now, a batch layer for what is exact, one definition.',
  kappa: 'Kappa: streaming, and history is replayed through the same code.',
};

const LATE_TESTS: Readonly<Record<LatePolicy, string>> = {
  correct: 'a late event is folded into the row that it belongs to',
  'side-output': 'a late event is kept apart and changes no row',
  drop: 'a late event is counted and forgotten',
};

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function blueprintOf(choices: Choices): Blueprint {
  const { recommendation, architecture } = choices;
  const { answers } = recommendation;
  const facts = hardestFacts(answers);
  const settings = settingsOf(architecture, facts);
  const hasBatchLayer = architecture === 'batch' || architecture === 'lambda';
  const policy = answers.lateness.policy === 'unsure' ? 'correct' : answers.lateness.policy;
  const freshnessMs = lowestMs('freshness', answers.freshness);
  const watermarkMs = Math.round(settings.watermarkDelaySeconds * SECOND_MS);
  const allowedMs = Math.round(settings.allowedLatenessSeconds * SECOND_MS);
  const everyMs = settings.triggerEverySeconds * SECOND_MS;
  return {
    name: choices.name,
    architecture,
    title: ABOUT[architecture].name,
    tagline: TAGLINES[architecture],
    policy,
    correct: policy === 'correct',
    drop: policy === 'drop',
    sideOutput: policy === 'side-output',
    correctsItself: policy === 'correct' && !hasBatchLayer,
    correctsByBatch: policy === 'correct' && hasBatchLayer,
    freshness: exactDuration(freshnessMs),
    watermarkDelay: exactDuration(watermarkMs),
    allowedLateness: exactDuration(allowedMs),
    triggerEvery: exactDuration(Math.max(1, Math.round(everyMs))),
    batchEvery: exactDuration(
      batchEveryMs(architecture === 'batch' ? everyMs : (settings.batchEverySeconds ?? 0) * SECOND_MS),
    ),
    partition: exactDuration(PARTITION_SECONDS * SECOND_MS),
    correctionsEvery: exactDuration(correctionsEverySeconds(facts) * SECOND_MS),
    removes: settings.retentionSeconds > 0,
    keepsFor: exactDuration(Math.round(settings.retentionSeconds * SECOND_MS)),
    commands: commandsOf(choices.packageManager),
    pins: PINS,
    runtimeSpecifier: `file:vendor/${choices.runtime.fileName}`,
    answersYaml: answersFileOf(recommendation).trimEnd(),
    lateTest: {
      title: LATE_TESTS[policy],
      closesAt: isoMinute(Date.UTC(2001, 0, 16, 7, 1) + watermarkMs + allowedMs),
    },
  };
}

/** The runtime's shortest schedule is a second. Architectures without a batch layer have no use for the value. */
function batchEveryMs(advisedMs: number): number {
  return advisedMs > 0 ? Math.max(SECOND_MS, Math.round(advisedMs)) : DAY_MS;
}

/** Of a range or `unsure`, the end that promises most. */
function lowestMs(path: string, answer: string): number {
  return spanOf(questionOf(path), answer)[0] * SECOND_MS;
}

/** Every duration in the largest unit that says it exactly: files are read back, so nothing may be rounded. */
export function exactDuration(ms: number): string {
  const units = [
    ['w', 7 * DAY_MS],
    ['d', DAY_MS],
    ['h', HOUR_MS],
    ['m', MINUTE_MS],
    ['s', SECOND_MS],
  ] as const;
  const whole = Math.round(ms);
  for (const [unit, sizeMs] of units) {
    if (whole >= sizeMs && whole % sizeMs === 0) return `${whole / sizeMs}${unit}`;
  }
  return whole === 0 ? '0s' : `${whole}ms`;
}

function isoMinute(ms: number): string {
  return new Date(Math.ceil(ms / MINUTE_MS) * MINUTE_MS).toISOString().replace('.000Z', 'Z');
}
