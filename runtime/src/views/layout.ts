/**
 * How the rows of a view are keyed, shown and computed again. Rows are stored under their key with the time first, so that
 * one window or one partition of event time is one range:
 *
 *   windowed   a window of its key, then the rest of the key        keyed   the key
 *   events     event time, partition, offset of the one event       bag     the whole row, with how often it is there
 *
 * A view whose rows each depend on the events of one slice of event time is computed again slice by slice; any other as
 * a whole.
 */
import { encodeKeyOf, encodeKey, encodeNumber, compareValues, decodeNumber } from '../data/key.ts';
import { type JsonObject, rowToJson } from '../data/json.ts';
import type { Column, Row, WindowValue } from '../data/value.ts';
import { inferColumns } from '../plan/infer.ts';
import type { Plan, SourcePlan, ViewPlan, WindowPlan } from '../plan/node.ts';
import { isTable } from '../plan/event-time.ts';
import { isAppendOnly, keyOf } from '../plan/traits.ts';
import { isWindowKey, nodesOf, sourcesOf } from '../plan/walk.ts';
import { prefixRange, type Range } from '../state/store.ts';
import { prefixOf } from '../state/keys.ts';

export type ViewShape = 'windowed' | 'keyed' | 'events' | 'bag';

/** Where an event stands, as far as it is the key of its row. */
export type EventKey = { readonly eventTimeMs: number; readonly partition: number; readonly offset: number };

/** How event time is cut for a view that is computed slice by slice; 0 for one without windows. */
export interface SliceGrid {
  readonly windowMs: number;
  readonly offsetMs: number;
}

const LAYOUTS = new WeakMap<Plan, readonly ViewLayout[]>();

/** Of every view of a plan. A layout is data of the plan alone: each layer and each restart of one can share it. */
export function layoutsOf(plan: Plan): readonly ViewLayout[] {
  const known = LAYOUTS.get(plan) ?? plan.views.map((view) => new ViewLayout(plan, view));
  LAYOUTS.set(plan, known);
  return known;
}

export class ViewLayout {
  readonly view: ViewPlan;
  /** The sources it reads, tables last. */
  readonly sources: readonly SourcePlan[];
  readonly columns: readonly Column[];
  readonly keyNames: readonly string[];
  readonly shape: ViewShape;
  /** Null for a view that is computed as a whole. */
  readonly slices: SliceGrid | null;
  /** Whether a key may get a new row without the old one being taken back: its state was forgotten in between. */
  readonly replaces: boolean;
  /** Whether each key gets one row, which is never taken back. */
  readonly isAppended: boolean;
  readonly #keys: readonly number[];
  /** The same with the window first, as it is stored. */
  readonly #stored: readonly number[];
  readonly #windowIndex: number;

  constructor(plan: Plan, view: ViewPlan) {
    this.view = view;
    this.sources = sourcesOf(plan, view.node).toSorted((a, b) => Number(isTable(a)) - Number(isTable(b)));
    this.columns = inferColumns(plan, view.node);
    const nodes = nodesOf(view.node);
    const key = keyOf(plan, view.node);
    this.keyNames = key ?? [];
    this.#keys = this.keyNames.map((name) => this.columns.findIndex((column) => column.name === name));
    this.#windowIndex = this.#keys.find((index) => this.columns[index]?.type === 'window') ?? -1;
    this.#stored =
      this.#windowIndex < 0
        ? this.#keys
        : [this.#windowIndex, ...this.#keys.filter((index) => index !== this.#windowIndex)];
    const isPlain = nodes.every(({ kind }) => kind === 'source' || kind === 'filter' || kind === 'map');
    if (isPlain) this.shape = 'events';
    else if (key === null) this.shape = 'bag';
    else this.shape = this.#windowIndex < 0 ? 'keyed' : 'windowed';
    this.slices = slicesOf(plan, this, isPlain);
    this.replaces = nodes.some(
      (node) => (node.kind === 'group' || node.kind === 'dedupe') && node.ttlMs !== null,
    );
    this.isAppended = this.shape !== 'bag' && !this.replaces && isAppendOnly(view.node, view.mode);
  }

  /** Start of the window that an event counts in; the time itself in a view without windows. REQUIRES slices. */
  startOf(eventTimeMs: number): number {
    const { windowMs, offsetMs } = this.slices ?? { windowMs: 0, offsetMs: 0 };
    if (windowMs === 0) return eventTimeMs;
    return Math.floor((eventTimeMs - offsetMs) / windowMs) * windowMs + offsetMs;
  }

  /** How long after the watermark an event still counts; the longest of its sources. */
  get allowedMs(): number {
    return Math.max(0, ...this.sources.map(({ lateness }) => lateness.allowedMs));
  }

  /**
   * The key of a row behind a prefix, such as that of its view. `at` is where the event of a view without a group stands.
   */
  keyOf(row: Row, at: EventKey | null, prefix?: Buffer): Buffer {
    if (this.shape === 'events' && at !== null)
      return encodeKey([at.eventTimeMs, at.partition, at.offset], prefix);
    if (this.shape === 'bag') return encodeKey(row, prefix);
    return encodeKeyOf(row, this.#stored, prefix);
  }

  /** The values by which a row is known. */
  nameValues(row: Row): Row {
    return this.shape === 'bag' ? row : this.#keys.map((index) => row[index] ?? null);
  }

  windowOf(row: Row): WindowValue | null {
    return this.#windowIndex < 0 ? null : (row[this.#windowIndex] as WindowValue);
  }

  prefix(layer: string): Buffer {
    return prefixOf('v', layer, this.view.name);
  }

  /** The stored rows whose window starts, or whose event happened, in [fromMs, toMs); all rows of other views. */
  range(layer: string, fromMs = -Infinity, toMs = Infinity): Range {
    const prefix = this.prefix(layer);
    const whole = prefixRange(prefix);
    if (!this.isByTime) return whole;
    return {
      gte: fromMs === -Infinity ? whole.gte : Buffer.concat([prefix, encodeNumber(fromMs)]),
      lt: toMs === Infinity ? whole.lt : Buffer.concat([prefix, encodeNumber(toMs)]),
    };
  }

  /** Whether rows are stored by time. */
  get isByTime(): boolean {
    return this.shape === 'windowed' || this.shape === 'events';
  }

  /** When the window of a stored key starts, or its event happened; -Infinity for a key without one. REQUIRES rows by time. */
  timeOf(key: Buffer): number {
    return decodeNumber(key) ?? -Infinity;
  }

  /** A stored row; `count` says how often a bag holds it. */
  encode(row: Row, count = 1): string {
    return this.shape === 'bag' ? JSON.stringify([count, row]) : JSON.stringify(row);
  }

  decode(value: Buffer): { readonly row: Row; readonly count: number } {
    const data: unknown = JSON.parse(value.toString());
    if (this.shape !== 'bag') return { row: data as Row, count: 1 };
    const [count, row] = data as [number, Row];
    return { row, count };
  }

  toJson(row: Row): JsonObject {
    return rowToJson(this.columns, row);
  }

  keyToJson(row: Row): JsonObject {
    const columns = this.#keys.map((index) => this.columns[index] as Column);
    return rowToJson(
      columns,
      this.#keys.map((index) => row[index] ?? null),
    );
  }

  /** Orders rows by their keys as declared; the rows of a bag by all their values. */
  compare(a: Row, b: Row): number {
    const indices = this.shape === 'bag' ? this.columns.keys() : this.#keys;
    for (const index of indices) {
      const order = compareValues(a[index] ?? null, b[index] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  }
}

/**
 * A view can be computed slice by slice when one source, whose time depends on no other, is at most filtered, mapped and
 * grouped once, by a fixed window in UTC.
 */
function slicesOf(plan: Plan, layout: ViewLayout, isPlain: boolean): SliceGrid | null {
  const [source] = layout.sources;
  if (layout.sources.length !== 1 || source === undefined || isTable(source)) return null;
  const meetsOthers = plan.views.some((view) => {
    const names = sourcesOf(plan, view.node).map(({ name }) => name);
    return names.length > 1 && names.includes(source.name);
  });
  if (meetsOthers) return null;
  if (isPlain) return { windowMs: 0, offsetMs: 0 };
  const nodes = nodesOf(layout.view.node);
  const groups = nodes.filter((node) => node.kind === 'group');
  const isLinear = nodes.every(({ kind }) => ['source', 'filter', 'map', 'group'].includes(kind));
  const [group] = groups;
  if (!isLinear || groups.length !== 1 || group === undefined || layout.shape !== 'windowed') return null;
  const window: WindowPlan | undefined = group.keys.find(isWindowKey)?.window;
  if (window?.kind !== 'tumbling' || window.zone !== null) return null;
  return { windowMs: window.sizeMs, offsetMs: window.offsetMs };
}
