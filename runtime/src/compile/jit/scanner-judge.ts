/**
 * The judge of lines: what `JSON.parse` and `decodeEvent` say. It takes every line that the generated code does not
 * understand, and all of them where no code may be generated; and it alone says what is wrong with one.
 *
 *   line ─► JSON? ─► wanted (`only`)? ─ no ─► has it a time? ─► skipped, counted, its time observed
 *                        └─ yes ─► the fields that are read and the times, in the order of the source ─► a row
 *
 * So a line that is not wanted is checked for being JSON and for its time; fields that nobody reads are never checked.
 */
import { decodeEvent, type Field } from '../../data/decode.ts';
import { parseJson, textOfLine } from '../../data/line.ts';
import type { Row, Value } from '../../data/value.ts';
import type { Wanted } from './scanner.ts';

export interface JudgeOptions {
  readonly gate: { readonly field: Field; readonly values: ReadonlySet<Wanted> } | null;
  readonly times: readonly Field[];
  /** All fields that are read, in the order of the source. */
  readonly checked: readonly Field[];
  /** The fields that become columns. */
  readonly columns: readonly Field[];
  readonly noTime: string;
  /** Why a time cannot be right, or undefined. */
  readonly timeProblem: (timeMs: number) => string | undefined;
}

export type Judgement =
  | { readonly kind: 'blank' }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'skipped'; readonly timeMs: number }
  | { readonly kind: 'row'; readonly timeMs: number; readonly row: Row; readonly event: unknown };

export function judge(options: JudgeOptions, bytes: Uint8Array): Judgement {
  const line = textOfLine(bytes);
  if (line === null) return { kind: 'blank' };
  if (line.problem !== undefined) return { kind: 'problem', problem: line.problem };
  const parsed = parseJson(line.text);
  if ('problem' in parsed) return { kind: 'problem', problem: parsed.problem };
  const event = parsed.value;
  const { gate, times, checked, columns } = options;
  const gateRow = decodeEvent(gate === null ? [] : [gate.field], event);
  if ('problem' in gateRow) return { kind: 'problem', problem: gateRow.problem };
  const isWanted = gate === null || gate.values.has(gateRow.row[0] as Wanted);
  const fields = isWanted ? checked : times;
  const decoded = decodeEvent(fields, event);
  if ('problem' in decoded) return { kind: 'problem', problem: decoded.problem };
  const { row } = decoded;
  const valueOf = (field: Field): Value => row[fields.indexOf(field)] ?? null;
  const time = times.map(valueOf).find((value) => value !== null);
  if (time === undefined && times.length > 0) return { kind: 'problem', problem: options.noTime };
  const timeMs = (time ?? 0) as number;
  const problem = times.length === 0 ? undefined : options.timeProblem(timeMs);
  if (problem !== undefined) return { kind: 'problem', problem };
  return isWanted ? { kind: 'row', timeMs, row: columns.map(valueOf), event } : { kind: 'skipped', timeMs };
}

/** Whether an event has a member that none of the fields reads. */
export function hasUnknown(fields: readonly Field[], event: unknown, path: readonly string[] = []): boolean {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return false;
  return Object.entries(event).some(([name, value]) => {
    const inside = [...path, name];
    const below = fields.filter((field) =>
      inside.every((each, depth) => (field.path ?? [field.name])[depth] === each),
    );
    if (below.length === 0) return true;
    const isRead = below.some((field) => (field.path?.length ?? 1) === inside.length);
    return !isRead && hasUnknown(below, value, inside);
  });
}
