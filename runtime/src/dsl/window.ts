/** Windows as group keys. The start belongs to a window, the end does not; a session ends `gap` after its last row. */
import { parseDuration } from '../base/durations.ts';
import { failure } from '../base/errors.ts';
import type { WindowGrid, WindowPlan } from '../plan/node.ts';
import { type Expression, nodeOf, type Timestamp } from './expression.ts';

/** The bounds of a window, as ISO 8601 strings in the rows of a view: start inclusive, end exclusive. */
export interface WindowBounds {
  readonly start: string;
  readonly end: string;
}

/** A window as a group key. */
export class Window {
  declare readonly of?: WindowBounds;
  /** @internal */
  readonly plan: WindowPlan;

  /** @internal */
  constructor(plan: WindowPlan) {
    this.plan = plan;
  }
}

/** Where windows begin. Days in a zone follow its clock: one has 23 hours when the clock goes forward. */
export interface WindowOptions {
  /** Moves the windows: hours that begin at a quarter past have the offset `15m`. */
  readonly offset?: string;
  /** An IANA name such as `Europe/Berlin`; UTC unless said. */
  readonly zone?: string;
}

/** Windows of one size, end to end: `tumbling(f.time, '1h')`. */
export function tumbling(time: Expression<Timestamp>, size: string, options: WindowOptions = {}): Window {
  const sizeMs = lengthOf('tumbling', 'size', size);
  return new Window({
    kind: 'tumbling',
    time: timeOf('tumbling', time),
    sizeMs,
    ...gridOf('tumbling', options),
  });
}

/** Windows that overlap: one of `size` starts every `slide`, so that a row is in `size / slide` of them. */
export function hopping(
  time: Expression<Timestamp>,
  options: { readonly size: string; readonly slide: string } & WindowOptions,
): Window {
  const sizeMs = lengthOf('hopping', 'size', options.size);
  const slideMs = lengthOf('hopping', 'slide', options.slide);
  return new Window({
    kind: 'hopping',
    time: timeOf('hopping', time),
    sizeMs,
    slideMs,
    ...gridOf('hopping', options),
  });
}

/** Windows that grow: they all start with each `size` and end every `step` of it, such as the day so far every hour. */
export function cumulating(
  time: Expression<Timestamp>,
  options: { readonly size: string; readonly step: string } & WindowOptions,
): Window {
  const sizeMs = lengthOf('cumulating', 'size', options.size);
  const stepMs = lengthOf('cumulating', 'step', options.step);
  return new Window({
    kind: 'cumulating',
    time: timeOf('cumulating', time),
    sizeMs,
    stepMs,
    ...gridOf('cumulating', options),
  });
}

/** A window for each stretch of rows of a key that are at most `gap` apart; it ends `gap` after the last. */
export function session(time: Expression<Timestamp>, gap: string): Window {
  return new Window({
    kind: 'session',
    time: timeOf('session', time),
    gapMs: lengthOf('session', 'gap', gap),
  });
}

function timeOf(kind: string, time: unknown): WindowPlan['time'] {
  return nodeOf(time, `the time of the ${kind} window`);
}

function lengthOf(kind: string, what: string, text: unknown): number {
  const ms = parseDuration(text, `${kind} window, ${what}`);
  if (ms > 0) return ms;
  throw failure('DEFINITION_INVALID', {
    problem: `a ${kind} window with a ${what} of 0 holds nothing; say 1h`,
  });
}

function gridOf(kind: string, { offset, zone }: WindowOptions): WindowGrid {
  const offsetMs = offset === undefined ? 0 : parseDuration(offset, `${kind} window, offset`);
  return { offsetMs, zone: zone ?? null };
}
