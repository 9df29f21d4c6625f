/** What `advisor prove` measured, for a terminal or a pipe: what readers see, what it takes, over time. */
import { formatSize, table, wrap } from 'pipeline-runtime/kit';
import { secondsText } from '../complete.ts';
import type { Proof, ProvedArchitecture } from '../prove/proof.ts';
import { percent } from './phrases.ts';
import type { Colors } from './text.ts';

export function proofText(proof: Proof, columns: number, colors: Colors): string {
  const parts = [
    heading(proof, columns, colors),
    section('What readers see', readers(proof, colors), colors),
    section('What it takes', takes(proof, colors), colors),
    section('How old the newest result was', curves(proof, columns, colors), colors),
    lawLine(proof, columns, colors),
    ...(proof.notes.length === 0 ? [] : [section('How it was measured', notes(proof, columns), colors)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function heading(proof: Proof, columns: number, colors: Colors): string {
  return `${colors.bold('Measured in virtual time')}\n${indented(headingText(proof), columns)}`;
}

/** What ran over what. */
export function headingText({ workload, promiseSeconds, seed, recommendation }: Proof): string {
  const { events, horizonSeconds, from } = workload;
  const source = from === 'description' ? `drawn from the answers with seed ${seed}` : `of ${from}`;
  return `Five architectures over ${events.toLocaleString('en-US')} events in ${timeText(horizonSeconds)}, ${source}. A result may be ${timeText(promiseSeconds)} old. Recommended: ${recommendation}.`;
}

function section(title: string, body: string, colors: Colors): string {
  return `${colors.bold(title)}\n${body}`;
}

function indented(text: string, columns: number, bullet = '  '): string {
  const margin = ' '.repeat(bullet.length);
  return wrap(text, columns - bullet.length)
    .split('\n')
    .map((line, index) => (index === 0 ? bullet : margin) + line)
    .join('\n');
}

/** `> micro-batch` for what is recommended. */
function nameOf(proof: Proof, { architecture }: ProvedArchitecture): string {
  return `${architecture === proof.recommendation ? '>' : ' '} ${architecture}`;
}

function marked(grid: string, colors: Colors): string {
  return grid
    .split('\n')
    .map((line) => (line.startsWith('>') ? colors.bold(line) : line))
    .join('\n');
}

/** Seconds as people say them, two digits. */
export function timeText(seconds: number): string {
  if (seconds === 0) return '0s';
  return secondsText(Number(seconds.toPrecision(seconds >= 1 ? 3 : 2)));
}

function readers(proof: Proof, colors: Colors): string {
  const rows = proof.architectures.map((each) => {
    const { measured, predicted } = each;
    return [
      nameOf(proof, each),
      each.keepsFreshness ? 'kept' : 'broken',
      timeText(measured.freshnessP50Seconds),
      timeText(predicted.freshnessP50Seconds),
      timeText(measured.freshnessP99Seconds),
      timeText(predicted.freshnessP99Seconds),
      percent(measured.completenessAtRead),
      percent(predicted.completenessAtRead),
    ];
  });
  const header = ['  ', 'promise', 'age 50 %', 'pred.', 'age 99 %', 'pred.', 'complete', 'pred.'];
  const legend =
    'age: how old the newest result is, half of the time and but for 1 % of it; complete: what is in when a window is read as long after its end as the promise says; pred.: what was predicted.';
  return `${marked(table(header, rows), colors)}\n${colors.dim(indented(legend, 80))}`;
}

function takes(proof: Proof, colors: Colors): string {
  const rows = proof.architectures.map((each) => {
    const { corrections, finalAfterP50Seconds, work, kept, reprocess, late } = each.measured;
    const redone = reprocess.historyEvents > 0;
    return [
      nameOf(proof, each),
      finalAfterP50Seconds === null ? '-' : timeText(finalAfterP50Seconds),
      `${corrections.windowsCorrected} of ${corrections.windows}`,
      timeText(corrections.completeAfterP99Seconds),
      late.events.toLocaleString('en-US'),
      `${work.readsPerEvent.toFixed(1)}x`,
      formatSize(kept.totalBytes),
      redone ? timeText(reprocess.historySeconds) : '-',
      redone ? timeText(each.predicted.reprocessSeconds) : '-',
    ];
  });
  const header = ['  ', 'final', 'corrected', 'all in', 'late', 'read', 'kept', 'redo', 'pred.'];
  const legend =
    'final: after a window ended, until no event in time could change it; corrected: windows that changed after they were read; all in: 99 % of the windows hold everything this long after their end; read: how often each event is read; redo: the history once more, on one core.';
  return `${marked(table(header, rows), colors)}\n${colors.dim(indented(legend, 80))}`;
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** A line for each, on one logarithmic scale from a millisecond to the oldest. */
function curves(proof: Proof, columns: number, colors: Colors): string {
  const width = Math.min(80, columns) - 26;
  const oldest = Math.max(0.002, ...proof.architectures.map(({ curve }) => largest(curve)));
  const level = (seconds: number): string => {
    const share = Math.log(Math.max(1, seconds * 1000)) / Math.log(oldest * 1000);
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length))] ?? ' ';
  };
  const lines = proof.architectures.map((each) => {
    const { curve } = each;
    const picture = Array.from({ length: width }, (_, at) => {
      const from = Math.floor((at * curve.length) / width);
      return level(
        largest(curve.slice(from, Math.max(from + 1, Math.floor(((at + 1) * curve.length) / width)))),
      );
    });
    return `${nameOf(proof, each).padEnd(14)} ${picture.join('')} ≤ ${timeText(largest(curve))}`;
  });
  return marked(lines.join('\n'), colors);
}

function largest(curve: ProvedArchitecture['curve']): number {
  return curve.reduce((most, { maxSeconds }) => Math.max(most, maxSeconds), 0);
}

/** Whether the five agree. */
export function lawText({ law, workload }: Proof): string {
  return law.holds
    ? `All five end with the same ${law.rows.toLocaleString('en-US')} rows, also after their history was processed again.`
    : `The five do NOT end with the same rows over ${workload.simulatedEvents.toLocaleString('en-US')} events: a defect of the runtime. Please report it.`;
}

function lawLine(proof: Proof, columns: number, colors: Colors): string {
  const text = wrap(lawText(proof), columns);
  return proof.law.holds ? colors.green(text) : colors.red(text);
}

function notes(proof: Proof, columns: number): string {
  return proof.notes.map((note) => indented(note, columns, '  - ')).join('\n');
}
