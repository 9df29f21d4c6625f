/**
 * How the rows of a view are keyed and shown. Rows are stored under their key with the time first, so that one window or
 * one partition of event time is one range:
 *
 *   windowed   window, then the other group keys      grouped   the group keys      events   event time, partition, offset
 */
import { encodeKey, encodeNumber, compareValues } from '../data/key.ts';
import { type JsonObject, rowToJson } from '../data/json.ts';
import type { Column, Row, WindowValue } from '../data/value.ts';
import { inferColumns } from '../plan/infer.ts';
import type { Plan, SourcePlan, ViewPlan } from '../plan/node.ts';
import { groupOf, isWindowKey, sourceOf, windowOf } from '../plan/walk.ts';
import { prefixRange, type Range } from '../state/store.ts';
import { prefixOf } from '../state/keys.ts';

export type ViewShape = 'windowed' | 'grouped' | 'events';

export class ViewLayout {
  readonly view: ViewPlan;
  readonly source: SourcePlan;
  readonly columns: readonly Column[];
  readonly keyNames: readonly string[];
  readonly shape: ViewShape;
  /** Length of a window; 0 for a view without. */
  readonly windowMs: number;
  readonly #windowIndex: number;

  constructor(plan: Plan, view: ViewPlan) {
    this.view = view;
    this.source = sourceOf(plan, view.node);
    this.columns = inferColumns(plan, view.node);
    const group = groupOf(view.node);
    this.keyNames = group?.keys.map((key) => key.name) ?? [];
    this.#windowIndex = group?.keys.findIndex(isWindowKey) ?? -1;
    this.windowMs = windowOf(view.node)?.sizeMs ?? 0;
    this.shape = group === undefined ? 'events' : this.#windowIndex < 0 ? 'grouped' : 'windowed';
  }

  /** The key of a row below the prefix of its view. `at` is where the event of a view without a group stands. */
  keyOf(
    row: Row,
    at: { readonly eventTimeMs: number; readonly partition: number; readonly offset: number } | null,
  ): Buffer {
    if (this.shape === 'events' && at !== null) return encodeKey([at.eventTimeMs, at.partition, at.offset]);
    const keys = row.slice(0, this.keyNames.length);
    if (this.#windowIndex < 0) return encodeKey(keys);
    return encodeKey([keys[this.#windowIndex] ?? null, ...keys.toSpliced(this.#windowIndex, 1)]);
  }

  windowOf(row: Row): WindowValue | null {
    return this.#windowIndex < 0 ? null : (row[this.#windowIndex] as WindowValue);
  }

  prefix(layer: string): Buffer {
    return prefixOf('v', layer, this.view.name);
  }

  /** The stored rows whose window starts, or whose event happened, in [fromMs, toMs); all rows of a grouped view. */
  range(layer: string, fromMs = -Infinity, toMs = Infinity): Range {
    const prefix = this.prefix(layer);
    const whole = prefixRange(prefix);
    if (this.shape === 'grouped') return whole;
    return {
      gte: fromMs === -Infinity ? whole.gte : Buffer.concat([prefix, encodeNumber(fromMs)]),
      lt: toMs === Infinity ? whole.lt : Buffer.concat([prefix, encodeNumber(toMs)]),
    };
  }

  encode(row: Row): string {
    return JSON.stringify(row);
  }

  decode(value: Buffer): Row {
    return JSON.parse(value.toString()) as Row;
  }

  toJson(row: Row): JsonObject {
    return rowToJson(this.columns, row);
  }

  keyToJson(row: Row): JsonObject {
    return rowToJson(this.columns.slice(0, this.keyNames.length), row);
  }

  /** Orders rows by their keys as declared. */
  compare(a: Row, b: Row): number {
    for (let i = 0; i < this.keyNames.length; i++) {
      const order = compareValues(a[i] ?? null, b[i] ?? null);
      if (order !== 0) return order;
    }
    return 0;
  }
}
