/**
 * Answers that pull against each other. The recommendation follows the answers as given; a conflict says what they cannot
 * have together and what could be changed, and never picks in silence. A verdict named in an option was computed.
 */
import type { Answers, Architecture } from './answers.ts';
import { secondsText, withAnswer } from './complete.ts';
import { hardestFacts, predictedFacts, promiseOf, type Facts } from './facts.ts';
import { NAMES } from './gates.ts';
import type { Assumptions } from './knowledge/assumptions.ts';
import { stateBytesOf } from './model/state.ts';
import { effortHoursOf } from './model/effort.ts';
import { freshnessFloorSeconds } from './model/freshness.ts';
import { MICRO_BATCH } from './model/limits.ts';
import { nightStopsOf } from './model/operations.ts';
import type { Candidate, Conflict, Violation } from './recommendation.ts';
import { atLeast, instead } from './relaxing.ts';

interface Decided {
  readonly answers: Answers;
  readonly defaulted: readonly string[];
  readonly architecture: Architecture;
  readonly assumed: Assumptions;
  readonly candidates: readonly Candidate[];
}

interface Case extends Decided {
  readonly facts: Facts;
}

type Rule = (at: Case) => Conflict | undefined;

export function conflictsOf(decided: Decided, violations: readonly Violation[]): Conflict[] {
  const at: Case = { ...decided, facts: hardestFacts(decided.answers, decided.assumed) };
  const broken = violations.length === 0 ? [] : [unkept(at, violations)];
  return [...broken, ...RULES.flatMap((rule) => rule(at) ?? [])];
}

function isStream(architecture: Architecture): boolean {
  return architecture === 'streaming' || architecture === 'kappa' || architecture === 'lambda';
}

function unkept(at: Case, violations: readonly Violation[]): Conflict {
  const options = violations.map((violation) => {
    switch (violation.requirement) {
      case 'freshness':
        return instead(at, 'freshness', atLeast(freshnessFloorSeconds(at.architecture, at.facts)));
      case 'historyIn':
        return instead(at, 'historyIn', 'both');
      case 'maturity':
        return instead(at, 'maturity', 'intermediate');
      case 'effects':
        return `${instead(at, 'effects', 'replayable')}, once each effect is written as a result and sent by its id`;
      case 'correctBy': {
        const less = violation.source === 'ours-corrections' ? '' : ', or reprocess less history';
        return `allow ${violation.gives} for a correction${less}`;
      }
      case 'team.engineers':
        return 'more people, or a managed service';
      default:
        return 'reprocess less history, or less often';
    }
  });
  const holds = at.candidates.some(({ feasible }) => feasible);
  return {
    answers: [...new Set(violations.map((violation) => violation.requirement))],
    says: holds
      ? `${NAMES[at.architecture]} does not hold over everything that is still open; it is what would be regretted least.`
      : `No architecture keeps all of these. ${NAMES[at.architecture]} breaks least.`,
    options: [...new Set(options)],
  };
}

const earlyResults: Rule = (at) => {
  const { facts } = at;
  const promise = promiseOf(facts);
  if (facts.latest <= promise || at.answers.accuracy === 'approximate') return undefined;
  if (at.answers.accuracy === 'approximate-then-exact') return undefined;
  const latest = secondsText(facts.latest);
  return {
    answers: ['freshness', 'lateness.max', 'accuracy'],
    says: `A result ${secondsText(promise)} old cannot be final while events may come ${latest} late. Only early results that are corrected later keep this promise.`,
    options: [
      'accuracy: approximate-then-exact, and show readers what is still early',
      `read final results only: ${instead(at, 'freshness', atLeast(facts.latest + promise))}`,
      `handle less lateness: lateness.max up to ${secondsText(promise)}, and count what comes later`,
    ],
  };
};

const FAR = 4;

const nobodyActs: Rule = (at) => {
  const { freshness, reactionTime } = at.answers;
  if (reactionTime === 'unsure' || at.defaulted.includes('reactionTime')) return undefined;
  const fastest = reactionTime.split('..')[0] ?? reactionTime;
  const changed = withAnswer(at.answers, 'freshness', fastest) as Answers;
  const reaction = hardestFacts(changed, at.assumed).freshness;
  if (reaction < FAR * at.facts.freshness) return undefined;
  return {
    answers: ['freshness', 'reactionTime'],
    says: `Nobody acts before ${fastest}, so a result that is ${freshness === 'unsure' ? secondsText(at.facts.freshness) : freshness} old buys nothing over one that is ${fastest} old.`,
    options: [instead(at, 'freshness', fastest), 'find who would act sooner, and what that is worth'],
  };
};

const askedOnce: Rule = (at) => {
  if (at.facts.asked !== 'once' || at.facts.freshness >= MICRO_BATCH.intervalMinSeconds * 3) return undefined;
  return {
    answers: ['asked', 'freshness'],
    says: `The question is asked once, and its answer may be ${secondsText(at.facts.freshness)} old: there is no second answer that could be late. One run over what is there answers it.`,
    options: ['run it once, and throw it away', instead(at, 'asked', 'continuously')],
  };
};

const twiceAfterACrash: Rule = (at) => {
  if (
    at.answers.effects !== 'once' ||
    at.facts.duplicates !== 'tolerate' ||
    at.defaulted.includes('duplicates')
  )
    return undefined;
  return {
    answers: ['effects', 'duplicates'],
    says: 'Effects must happen once, yet an event may count twice after a crash: then its mail is sent twice, too.',
    options: [
      instead(at, 'duplicates', 'never'),
      'give every effect an idempotency key that the receiver honours',
    ],
  };
};

const filesComeLater: Rule = (at) => {
  if (at.facts.arrivalEvery <= at.facts.freshness) return undefined;
  const every = secondsText(at.facts.arrivalEvery);
  return {
    answers: ['freshness', 'arrivalEvery'],
    says: `Files come every ${every}, so nothing can be fresher than that. The promise is taken to be ${every}.`,
    options: ['have the events sent as they happen', `freshness: ${every}`],
  };
};

const transactionsTakeTime: Rule = (at) => {
  if (at.facts.duplicates !== 'never' || promiseOf(at.facts) >= 60 || !isStream(at.architecture))
    return undefined;
  const promise = promiseOf(at.facts);
  const usual =
    promise < 1
      ? ' Through Kafka transactions with their usual commit interval of a minute it cannot be kept at all.'
      : '';
  return {
    answers: ['freshness', 'duplicates'],
    says: `Exactly-once is not a free setting: it shows a result when its transaction commits, so ${secondsText(promise)} forces a commit interval far shorter than the usual one, and takes 15 to 40 % of the throughput.${usual}`,
    options: [
      `${instead(at, 'duplicates', 'tolerate')}, with a sink that overwrites by key`,
      instead(at, 'freshness', '1m'),
      'keep both, and measure the sink at that commit interval',
    ],
  };
};

const effectsRepeat: Rule = (at) => {
  if (at.answers.effects !== 'once' || at.facts.every === 'never') return undefined;
  const kappa = at.candidates.find(({ architecture }) => architecture === 'kappa');
  const only = kappa?.violations.length === 1 && kappa.violations[0]?.requirement === 'effects';
  const released = only ? [instead(at, 'effects', 'replayable')] : [];
  return {
    answers: ['effects', 'reprocessing.every'],
    says: 'Reprocessing runs the same logic again, and would repeat mails and payments: it must run with effects off.',
    options: [
      'write the intended effect as a result, and let a separate sender do each once by its id',
      'give every effect an idempotency key that the receiver honours',
      ...released,
    ],
  };
};

const droppedIsNotExact: Rule = (at) => {
  if (at.answers.accuracy === 'approximate' || at.facts.policy !== 'drop') return undefined;
  return {
    answers: ['accuracy', 'lateness.policy'],
    says: 'Dropped late events make results wrong for good, and exact ones are asked for.',
    options: [
      'lateness.policy: correct',
      'lateness.policy: side-output, and repair by hand',
      'accuracy: approximate',
    ],
  };
};

const newToStreams: Rule = (at) => {
  const heavy =
    at.architecture === 'lambda' ? at.facts.maturity !== 'expert' : at.facts.maturity === 'novice';
  if (!heavy || !isStream(at.architecture)) return undefined;
  const name = NAMES[at.architecture];
  const likely = { ...predictedFacts(at.answers, at.assumed), maturity: at.facts.maturity };
  const hours = Math.round(effortHoursOf(at.architecture, likely));
  const nights = nightStopsOf(at.architecture, likely).toFixed(1);
  return {
    answers: ['maturity', 'freshness'],
    says: `${name} is what keeps the promise, and it is much to operate for a team that ${at.answers.maturity === 'unsure' ? 'may be' : 'is'} ${at.facts.maturity}: about ${hours} hours a month, and it stops on ${nights} nights.`,
    options: [
      `relax the promise: ${instead(at, 'freshness', '1m')}`,
      `with someone who has run one: ${instead(at, 'maturity', 'intermediate')}`,
      'a managed service for the stream',
      'first a pilot that nobody depends on',
    ],
  };
};

const notEnoughPeople: Rule = (at) => {
  const hours = effortHoursOf(at.architecture, predictedFacts(at.answers, at.assumed));
  const share = hours / (at.facts.engineers * at.assumed.engineerHours);
  if (share <= 0.3) return undefined;
  return {
    answers: ['team.engineers', 'freshness'],
    says: `Operating ${NAMES[at.architecture]} takes about ${Math.round(hours)} hours a month, ${Math.round(share * 100)} % of what ${at.facts.engineers === 1 ? 'one engineer has' : `${at.facts.engineers} engineers have`}.`,
    options: [
      'a managed service',
      'reprocess less often',
      `relax the promise: ${instead(at, 'freshness', '1h')}`,
    ],
  };
};

const nobodyAtNight: Rule = (at) => {
  if (at.answers.team.onCall !== false || at.defaulted.includes('team.onCall') || !isStream(at.architecture))
    return undefined;
  return {
    answers: ['team.onCall', 'freshness'],
    says: 'A job that never exits can stop at night, and nobody is on call: until the morning the promise is broken.',
    options: [
      'share on-call with a team that has it',
      'promise freshness in office hours only',
      instead(at, 'freshness', '1h'),
    ],
  };
};

const nothingToReprocess: Rule = (at) => {
  if (at.facts.historyIn !== 'none' || at.facts.every === 'never') return undefined;
  return {
    answers: ['historyIn', 'reprocessing.every'],
    says: `History ${at.facts.open.has('reprocessing.every') ? 'may have to be reprocessed' : `is to be reprocessed ${at.facts.every}`}, and it is kept nowhere.`,
    options: ['keep raw events in a lake from now on', 'keep them in the log', 'reprocessing.every: never'],
  };
};

const decidesSlowly: Rule = (at) => {
  const promise = promiseOf(at.facts);
  if (at.answers.action !== 'decide' || promise < 3600) return undefined;
  return {
    answers: ['action', 'freshness'],
    says: `A machine acts on each event, yet a result may be ${secondsText(promise)} old. Then it can act on a whole run at once: this is a batch question, whatever it is called.`,
    options: ['action: report, and decide in the run', 'freshness: as fast as the decision is really needed'],
  };
};

const countsOnceAbout: Rule = (at) => {
  if (at.answers.accuracy !== 'approximate' || at.facts.duplicates !== 'never') return undefined;
  return {
    answers: ['accuracy', 'duplicates'],
    says: 'A few percent do not matter, yet no event may count twice: what is paid for exactly-once is a difference that nobody looks at.',
    options: [
      instead(at, 'duplicates', 'tolerate'),
      'accuracy: exact, if what must not happen twice is money or a mail',
    ],
  };
};

const correctedBeforeItIsNeeded: Rule = (at) => {
  const promise = promiseOf(at.facts);
  if (at.defaulted.includes('correctBy') || at.answers.correctBy === 'unsure') return undefined;
  if (at.facts.policy !== 'correct' || at.facts.correctBy >= promise) return undefined;
  const promised = secondsText(promise);
  return {
    answers: ['correctBy', 'freshness'],
    says: `A corrected result is asked for within ${secondsText(at.facts.correctBy)}, a first one only within ${promised}: the correction is then what sets the pace.`,
    options: [instead(at, 'correctBy', promised), 'freshness: as soon as the correction, if that is meant'],
  };
};

const lessThanAWindow: Rule = (at) => {
  const isSaid = !['state.window', 'reprocessing.history'].some((path) => at.defaulted.includes(path));
  if (!isSaid || at.facts.every === 'never' || at.facts.window <= at.facts.history) return undefined;
  return {
    answers: ['reprocessing.history', 'state.window'],
    says: `A window covers ${secondsText(at.facts.window)}, and only ${secondsText(at.facts.history)} of history is reprocessed: no window would be computed again as a whole.`,
    options: [`reprocessing.history: ${secondsText(at.facts.window)} or more`, 'a shorter window'],
  };
};

const STATE_BYTES_LARGE = 100e9;

const stateIsLarge: Rule = (at) => {
  const bytes = stateBytesOf(at.architecture, at.facts);
  if (!isStream(at.architecture) || bytes < STATE_BYTES_LARGE) return undefined;
  return {
    answers: ['volume.keys', 'state.window', 'lateness.max'],
    says: `A stream would hold about ${Math.round(bytes / 1e9)} GB of state: every key of every window that is still open.`,
    options: ['a shorter window', 'handle less lateness', 'approximate distinct counts'],
  };
};

const RULES: readonly Rule[] = [
  earlyResults,
  nobodyActs,
  filesComeLater,
  transactionsTakeTime,
  askedOnce,
  effectsRepeat,
  twiceAfterACrash,
  droppedIsNotExact,
  newToStreams,
  notEnoughPeople,
  nobodyAtNight,
  nothingToReprocess,
  decidesSlowly,
  countsOnceAbout,
  correctedBeforeItIsNeeded,
  lessThanAWindow,
  stateIsLarge,
];
