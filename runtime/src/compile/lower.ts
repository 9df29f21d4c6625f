/**
 * Turns the plan of one view into operators with interpreted expressions: the reference that any faster execution is
 * tested against. A part of a plan that stands in it twice is computed once.
 *
 *   sources ─► stateless ─► group, join, top … (each with its own part of the state) ─► view
 */
import type { PlanCode } from '../plan/code.ts';
import { inputsOf, nodesOf } from '../plan/walk.ts';
import type { Plan, PlanNode, ViewPlan } from '../plan/node.ts';
import type { Row } from '../data/value.ts';
import type { Collector, LateRule, OnRowError, Position, Weight } from '../operators/operator.ts';
import { indexRange } from '../operators/spilled-keys.ts';
import { allBelow, type Spilling } from '../operators/spilling.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { lowerNode, type Memory } from './lower-node.ts';
import { nodePrefixes } from './state-prefix.ts';

export interface LowerOptions {
  readonly plan: Plan;
  readonly view: ViewPlan;
  readonly code: PlanCode;
  readonly late: LateRule;
  readonly onError: OnRowError;
  /** The keys of all state of the view start with this. */
  readonly statePrefix: Buffer;
  /** Where the rows of the view go. */
  readonly next: Collector;
}

interface Stage {
  readonly operator: Memory;
  readonly prefix: Buffer;
}

/** The operators of one view. */
export class Chain {
  readonly #inputs: ReadonlyMap<string, Collector>;
  /** Inputs before those that read them. */
  readonly #stages: readonly Stage[];

  constructor(inputs: ReadonlyMap<string, Collector>, stages: readonly Stage[]) {
    this.#inputs = inputs;
    this.#stages = stages;
  }

  reads(source: string): boolean {
    return this.#inputs.has(source);
  }

  /** Takes an event of a source. */
  push(row: Row, at: Position): void {
    this.#inputs.get(at.source)?.push(row, 1, at);
  }

  /** Closes what the watermark has passed and hands on what changed; each stage has all of it from those before. */
  settle(watermarkMs: number): void {
    for (const { operator } of this.#stages) {
      operator.advance(watermarkMs);
      operator.flush();
    }
  }

  /** As `settle`, when operators may have forgotten what the store holds: each is given what it needs before its turn. */
  async settleSpilled(watermarkMs: number, load: Load): Promise<void> {
    for (const { operator } of this.#stages) {
      const { spilling } = operator;
      if (spilling?.isSpilled === true) await fetchNeeded(spilling, watermarkMs, load);
      operator.advance(watermarkMs);
      operator.flush();
    }
  }

  persist(batch: Batch): void {
    for (const { operator } of this.#stages) operator.persist(batch);
  }

  /**
   * REQUIRES a new chain. `read` gives the entries of a range in the order of their keys. Operators that can
   * forget begin with their index alone.
   */
  async restore(read: (range: Range) => Promise<readonly Entry[]>): Promise<void> {
    for (const { operator, prefix } of this.#stages) {
      const spilling = operator.spilling ?? null;
      if (spilling?.recall(await read(indexRange(prefix))) === true) continue;
      operator.restore(await read(allBelow(prefix)));
    }
  }

  /** An estimate of what the operators take in memory. */
  get memoryBytes(): number {
    return this.#stages.reduce((sum, { operator }) => sum + operator.memoryBytes, 0);
  }

  /** Makes operators forget about so many bytes, each in proportion to what it has. REQUIRES that everything is saved. */
  spill(bytes: number): void {
    const able = this.#stages.filter(
      ({ operator: { spilling } }) => spilling !== undefined && spilling !== null,
    );
    const sum = able.reduce((total, { operator }) => total + operator.memoryBytes, 0);
    for (const { operator } of able) operator.spilling?.spill((bytes * operator.memoryBytes) / sum);
  }

  /** How many keys the operators hold. */
  get size(): number {
    return this.#stages.reduce((sum, { operator }) => sum + operator.size, 0);
  }
}

/** Reads from the store what operators want, in their order. */
export type Load = (wanted: readonly Wanted[]) => Promise<Iterable<Entry>>;

/** How much of the memory is still in use when operators have forgotten what was over. */
export const KEPT = 0.8;

/** Gives an operator what it needs to settle. */
export async function fetchNeeded(spilling: Spilling, watermarkMs: number, load: Load): Promise<void> {
  for (let wanted = spilling.missing(); wanted.length > 0; wanted = spilling.missing())
    spilling.resume(await load(wanted));
  const index = spilling.dueIndex?.(watermarkMs) ?? [];
  if (index.length > 0) spilling.takeDue?.(await load(index), watermarkMs);
  const due = spilling.due(watermarkMs);
  if (due.length > 0) spilling.resume(await load(due));
}

/** REQUIRES a plan from `parsePlan`. */
export function lower(options: LowerOptions): Chain {
  const parts = partsOf(options.view.node);
  const inputs = new Map<string, Collector>();
  const stages: Stage[] = [];
  // From the view back to the sources, so that every part knows where its rows go.
  const prefixOf = nodePrefixes(options.statePrefix, options.view.node);
  for (const part of parts.toReversed()) {
    const prefix = prefixOf(part.node);
    const next = part.users.length === 0 ? options.next : fan(part.users.map((user) => user()));
    const lowered = lowerNode(part.node, {
      ...options,
      next,
      statePrefix: prefix,
      mayWait: isAlone(part),
    });
    part.collectors = lowered.inputs;
    if (lowered.operator !== undefined) stages.unshift({ operator: lowered.operator, prefix });
    if (part.node.kind === 'source') inputs.set(part.node.source, next);
  }
  return new Chain(inputs, stages);
}

interface Part {
  readonly node: PlanNode;
  /** What its rows go to, once these are made. */
  readonly users: (() => Collector)[];
  readonly parents: Part[];
  collectors: readonly Collector[];
}

/** The parts of a plan, each once, inputs before those that read them. */
function partsOf(root: PlanNode): readonly Part[] {
  const parts = new Map<PlanNode, Part>();
  for (const node of nodesOf(root)) {
    const part: Part = { node, users: [], parents: [], collectors: [] };
    for (const [place, input] of inputsOf(node).entries()) {
      parts.get(input)?.users.push(() => part.collectors[place] as Collector);
      parts.get(input)?.parents.push(part);
    }
    parts.set(node, part);
  }
  return [...parts.values()];
}

/** Whether nothing else comes in on the way to the view, and there is only one way. */
function isAlone({ parents }: Part): boolean {
  const [parent] = parents;
  if (parent === undefined) return true;
  return parents.length === 1 && inputsOf(parent.node).length === 1 && isAlone(parent);
}

function fan(collectors: readonly Collector[]): Collector {
  const [only] = collectors;
  if (collectors.length === 1 && only !== undefined) return only;
  return {
    push(row: Row, weight: Weight, at: Position | null): void {
      for (const collector of collectors) collector.push(row, weight, at);
    },
  };
}
