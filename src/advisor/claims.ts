/** Why the recommendation is what it is: each claim with the entry of the knowledge base that it rests on. */
import type { Answers, Architecture } from './answers.ts';
import { secondsText } from './complete.ts';
import { hardestFacts, predictedFacts, promiseOf, type Facts } from './facts.ts';
import { NAMES, severityOf, violationsOf } from './gates.ts';
import type { Assumptions } from './knowledge/assumptions.ts';
import { burdenHoursOf, effortHoursOf } from './model/effort.ts';
import { freshnessOf, paceOf } from './model/freshness.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';
import { isRoutine } from './model/reprocessing.ts';
import type { Candidate, Claim } from './recommendation.ts';

export function claimsOf(
  architecture: Architecture,
  answers: Answers,
  candidates: readonly Candidate[],
  assumed: Assumptions,
): Claim[] {
  const facts = hardestFacts(answers, assumed);
  const chosen = candidateOf(candidates, architecture);
  return [
    verdictClaim(chosen, facts),
    ...weighedClaims(architecture, answers, candidates),
    ...simplerClaims(architecture, facts, predictedFacts(answers, assumed)),
    ...ABOUT[architecture](facts, candidates),
    ...costClaims(architecture, candidates),
    ...lateClaims(chosen, facts),
    ...onceClaims(architecture, facts),
    ...familiarClaims(architecture, facts),
  ];
}

function verdictClaim(chosen: Candidate, facts: Facts): Claim {
  const name = NAMES[chosen.architecture];
  const promise = secondsText(promiseOf(facts));
  if (!chosen.feasible) {
    return {
      claim: `No architecture keeps every promise. ${name} breaks least: ${chosen.violations.map((v) => `${v.requirement} needs ${v.needs}, it gives ${v.gives}`).join('; ')}.`,
      source: 'ours-simplest-first',
    };
  }
  const { intervalSeconds, promiseSeconds } = freshnessOf(chosen.architecture, facts);
  const pace =
    chosen.architecture === 'batch' || chosen.architecture === 'micro-batch' ? 'a run' : 'a commit';
  return {
    claim: `${name} is the simplest that keeps every promise: with ${pace} every ${secondsText(intervalSeconds)}, a result is at most ${secondsText(promiseSeconds)} old, even when one fails, and ${promise} is asked.`,
    source: paceOf(chosen.architecture, facts).source,
  };
}

/** What was done with what nobody knows, where something else would hold as well. */
function weighedClaims(
  architecture: Architecture,
  { reprocessing, maturity }: Answers,
  candidates: readonly Candidate[],
): Claim[] {
  if (candidates.filter(({ feasible }) => feasible).length < 2 || !isStream(architecture)) return [];
  const unknown = [
    ...(reprocessing.every === 'unsure'
      ? ['how often history is reprocessed (seldom as a routine, or somebody would)']
      : []),
    ...(maturity === 'unsure'
      ? ['how experienced the team is (hardly new to streams, or it would know)']
      : []),
  ];
  if (unknown.length === 0) return [];
  return [
    {
      claim: `Nobody knows ${unknown.join(' or ')}. Of those that keep the promise, ${NAMES[architecture]} takes the fewest hours on average over all that may be.`,
      source: 'ours-unsure',
    },
  ];
}

function isStream(architecture: Architecture): boolean {
  return architecture !== 'batch' && architecture !== 'micro-batch';
}

/** What each simpler architecture would break, or why it is no less to operate. */
function simplerClaims(architecture: Architecture, facts: Facts, likely: Facts): Claim[] {
  const simpler = SIMPLEST_FIRST.slice(0, SIMPLEST_FIRST.indexOf(architecture));
  return simpler.flatMap((other) => {
    const [violation] = violationsOf(other, facts);
    if (violation === undefined)
      return severityOf(architecture, facts) > 0 ? [] : [alsoHolds(other, architecture, likely)];
    return [
      {
        claim: `${NAMES[other]} would break ${violation.requirement} (needs ${violation.needs}, gives ${violation.gives}): ${violation.because}.`,
        source: violation.source ?? 'ours-simplest-first',
      },
    ];
  });
}

function alsoHolds(other: Architecture, architecture: Architecture, facts: Facts): Claim {
  const spent = effortHoursOf(architecture, facts);
  const borne = Math.round(spent - burdenHoursOf(architecture, facts));
  const tolerated = borne > 0 ? `, ${borne} of them for two implementations that are tolerable` : '';
  const hours = Math.round(effortHoursOf(other, facts));
  const often =
    hours < Math.round(spent - borne) ? ', and less where history turns out to be reprocessed often' : '';
  return {
    claim: `${NAMES[other]} would hold as well, for about ${hours} hours of people a month; ${NAMES[architecture]} takes ${Math.round(spent)}${tolerated}${often}.`,
    source: 'ours-effort',
  };
}

type About = (facts: Facts, candidates: readonly Candidate[]) => Claim[];

const ABOUT: Readonly<Record<Architecture, About>> = {
  batch: (facts) => [
    ...(promiseOf(facts) >= 3600
      ? [
          {
            claim: `The question can wait ${secondsText(promiseOf(facts))}. A stream would stay up day and night to answer it no sooner than anyone asks.`,
            source: 'bands-greendolphin',
          },
        ]
      : []),
    {
      claim: 'Questions that may wait an hour or a day are what batch is for; hourly covers most of them.',
      source: 'bands-cbohm',
    },
  ],
  'micro-batch': (facts) => [
    {
      claim: `${secondsText(promiseOf(facts))} is a short interval between runs, not a stream: fast is not the same as streaming, which is for seconds and less.`,
      source: 'microbatch-range',
    },
    {
      claim:
        'The trigger is a third of the promise: one interval to wait, one to run, one to run again after a failure.',
      source: 'sla-over-three',
    },
    {
      claim:
        'Waking up for each run instead of never stopping brought one small cluster from $547 to $151 a month.',
      source: 'spark-always-on-month',
    },
  ],
  streaming: (facts) => [...streamClaims(facts), ...rebuildClaims(facts)],
  kappa: (facts, candidates) => {
    const { reprocessSeconds } = candidateOf(candidates, 'kappa').predicted;
    return [
      ...streamClaims(facts),
      {
        claim: `${reprocessedText(facts)}: a second version replays ${secondsText(facts.history)} beside the live one in about ${secondsText(reprocessSeconds)}, is checked, and readers are switched to it. A stream without versions is rebuilt by hand each time.`,
        source: 'ours-replay-rate',
      },
      {
        claim: 'The log is the only copy that is needed, and recomputing is replaying it.',
        source: 'azure-lambda-text',
      },
      { claim: 'Its price is the retention: keep old segments on object storage.', source: 'tiered-3-9x' },
    ];
  },
  lambda: (facts, candidates) => {
    const { monthlyUsd, effortHours } = candidateOf(candidates, 'lambda').predicted;
    return [
      ...streamClaims(facts),
      {
        claim: `Two layers always run, a batch and a speed layer: about $${monthlyUsd.total.toLocaleString('en-US')} and ${Math.round(effortHours)} hours of people a month. That is the price of fresh and exact together.`,
        source: 'ours-costs',
      },
      {
        claim:
          'Elsewhere Lambda means two codebases that must give the same answer: every fix and every schema change is made twice.',
        source: 'azure-lambda-text',
      },
      {
        claim: 'With the one definition used here the second codebase disappears; the second layer does not.',
        source: 'ours-one-definition',
      },
      {
        claim: 'Until the batch layer has caught up, counts may be off by 0.1 to 2 %.',
        source: 'ads-divergence',
      },
    ];
  },
};

function streamClaims(facts: Facts): Claim[] {
  const once =
    facts.duplicates === 'never'
      ? [
          {
            claim:
              'Exactly-once shows results only when a transaction commits: about a minute by the default of one managed service, so the commit interval must be set.',
            source: 'confluent-flink-eos-latency',
          },
        ]
      : [];
  return [
    {
      claim: 'A managed stream shows results in under 100 ms without transactions.',
      source: 'confluent-flink-alo-latency',
    },
    ...once,
    {
      claim: 'It never stops: $158 a month on a managed service before the first event.',
      source: 'msf-min-month',
    },
  ];
}

/** `History is reprocessed monthly`, also when nobody knows how often. */
function reprocessedText(facts: Facts): string {
  return facts.open.has('reprocessing.every')
    ? 'When history is reprocessed'
    : `History is reprocessed ${facts.every}`;
}

function rebuildClaims(facts: Facts): Claim[] {
  if (facts.every === 'never') return [];
  if (facts.open.has('reprocessing.every'))
    return [
      {
        claim:
          'When history is reprocessed, the job is stopped and rebuilt by hand. Where that becomes a routine, versions beside each other (Kappa) are less work.',
        source: 'ours-effort',
      },
    ];
  const claim = isRoutine(facts)
    ? `History is reprocessed ${facts.every}, which calls for versions beside each other (Kappa); for a team new to streams, keeping those is more work than rebuilding by hand.`
    : `History is reprocessed ${facts.every}: rarely enough to rebuild by hand rather than to keep versions ready.`;
  return [{ claim, source: 'ours-effort' }];
}

/** What the fashionable choice would cost instead. */
function costClaims(architecture: Architecture, candidates: readonly Candidate[]): Claim[] {
  if (architecture !== 'batch' && architecture !== 'micro-batch') return [];
  const here = candidateOf(candidates, architecture).predicted;
  const stream = candidateOf(candidates, 'streaming').predicted;
  const times = stream.effortHours / here.effortHours;
  return [
    {
      claim: `Streaming would take about ${times.toFixed(0)} times the hours of people (${Math.round(stream.effortHours)} instead of ${Math.round(here.effortHours)} a month) and $${stream.monthlyUsd.compute} instead of $${here.monthlyUsd.compute} of compute.`,
      source: 'ours-costs',
    },
    {
      claim: 'Published multiples of streaming over batch run from 3 to 10 and beyond.',
      source: 'mult-3-10',
    },
  ];
}

/** What happens to late events, in the figures of this choice. */
function lateClaims(chosen: Candidate, facts: Facts): Claim[] {
  const { completenessAtRead, correctionDelaySeconds, finalAfterSeconds } = chosen.predicted;
  const share = (Math.floor(completenessAtRead * 1000) / 10).toString();
  const rest: Readonly<Record<Facts['policy'], string>> = {
    correct: `late ones are folded in within ${secondsText(Math.ceil(correctionDelaySeconds))}, and a result is final after ${secondsText(Math.ceil(finalAfterSeconds))}`,
    drop: `what comes more than ${secondsText(facts.latest)} late is counted as dropped and changes no result`,
    'side-output': `what comes more than ${secondsText(facts.latest)} late is kept apart until somebody looks at it`,
  };
  return [
    {
      claim: `Events come up to ${secondsText(facts.latest)} late. About ${share} % are in a result when it is first read; ${rest[facts.policy]}.`,
      source: 'ours-lateness-shape',
    },
  ];
}

/** Exactly-once is not a setting, also where it costs little. */
function onceClaims(architecture: Architecture, facts: Facts): Claim[] {
  if (facts.duplicates !== 'never') return [];
  if (architecture === 'batch' || architecture === 'micro-batch')
    return [
      {
        claim:
          'Exactly-once comes cheaply here: a run overwrites what it wrote before, or commits its progress with its result. Whatever reads the result must not count twice either.',
        source: 'spark-microbatch-floor',
      },
    ];
  return [
    {
      claim:
        'Exactly-once must hold from the source to the sink, or it is at-least-once with extra steps; it cost others 3 % of the throughput in large transactions and 40 % in small ones.',
      source: facts.freshness < 1 ? 'eos-conduktor-40' : 'eos-producer-3pct',
    },
  ];
}

const STREAM_TOOLS = ['kafka', 'flink', 'kafka-streams', 'warpstream'];

function familiarClaims(architecture: Architecture, facts: Facts): Claim[] {
  const there = facts.existing.filter((tool) => STREAM_TOOLS.includes(tool));
  if (there.length === 0 || (architecture !== 'batch' && architecture !== 'micro-batch')) return [];
  return [
    {
      claim: `That ${there.join(' and ')} ${there.length === 1 ? 'is' : 'are'} there already does not make the question faster: read from it on a schedule.`,
      source: 'ours-simplest-first',
    },
  ];
}

function candidateOf(candidates: readonly Candidate[], architecture: Architecture): Candidate {
  const found = candidates.find((candidate) => candidate.architecture === architecture);
  if (found === undefined) throw new Error(`no candidate ${architecture}`);
  return found;
}
