/** `advisor prove`: the five architectures over a described workload or over real events, measured in virtual time. */
import process from 'node:process';
import { columnsOf, EXIT, paint, untilInterrupted } from 'pipeline-runtime/kit';
import { proofHtml } from '../../advisor/print/prove-html.ts';
import { proofText } from '../../advisor/print/prove-text.ts';
import type { Proof } from '../../advisor/prove/proof.ts';
import { answerFlagsOf } from '../answer-flags.ts';
import { collectGiven } from '../interview.ts';
import { writeOutput } from '../output.ts';
import { eventsOf, prove } from '../prove.ts';

type Format = 'text' | 'json' | 'html';

export async function runProve(options: Readonly<Record<string, unknown>>): Promise<void> {
  const file = options['output'] as string | undefined;
  const given = await collectGiven({
    file: options['answers'] as string | undefined,
    flags: answerFlagsOf(options),
  });
  const seed = options['seed'] as number;
  const proof = await untilInterrupted(async (signal) => {
    const shown = progress();
    try {
      return await prove(given, eventsOf(named(options)), {
        seed,
        signal,
        onBegin: shown.begin,
        onProgress: shown.show,
      });
    } finally {
      shown.clear();
    }
  });
  writeOutput(file, textOf(proof, options['format'] as Format, file === undefined));
  if (!proof.law.holds) process.exitCode = EXIT.check;
}

function named(options: Readonly<Record<string, unknown>>): Parameters<typeof eventsOf>[0] {
  const { events: file, eventTime, arrivalTime, key } = options as Record<string, string | undefined>;
  return { file, eventTime, arrivalTime, key };
}

function textOf(proof: Proof, format: Format, toTerminal: boolean): string {
  if (format === 'json') return `${JSON.stringify(proof, null, 1)}\n`;
  if (format === 'html') return proofHtml(proof);
  const stream = toTerminal ? process.stdout : ({ isTTY: false } as NodeJS.WriteStream);
  return proofText(proof, toTerminal ? columnsOf(stream) : 80, paint(stream));
}

/** So many events are a matter of a second or two. */
const QUIET_EVENTS = 20_000;

/** What is going on: on a terminal a line that says how far it is, elsewhere one line when it takes a while. */
function progress(): Progress {
  const { stderr } = process;
  const what = (events: number): string =>
    `simulating five architectures over ${events.toLocaleString('en-US')} events`;
  if (!stderr.isTTY)
    return {
      begin: (events) => void (events > QUIET_EVENTS && stderr.write(`${what(events)}\n`)),
      show() {},
      clear() {},
    };
  let title = '';
  return {
    begin: (events) => {
      title = what(events);
    },
    show: (share) => void stderr.write(`\r${title} … ${Math.floor(share * 100)} %`),
    clear: () => void stderr.write('\r\u001b[K'),
  };
}

interface Progress {
  readonly begin: (events: number) => void;
  readonly show: (share: number) => void;
  readonly clear: () => void;
}
