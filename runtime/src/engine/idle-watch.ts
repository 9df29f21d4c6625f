/**
 * Notices partitions that fell silent. The clock decides, but the decision is written into the log, where every run and
 * every replay reads it at the same place.
 */
import { CodedError } from '../base/coded-error.ts';
import type { Log } from '../log/log.ts';
import { groupsOf } from '../loop/times.ts';
import type { Plan } from '../plan/node.ts';
import { type Clock, elapsedMs } from '../ports/clock.ts';

interface Heard {
  /** By the time that passes: a clock that is set puts nobody to sleep. */
  atMs: number;
  asleep: boolean;
}

export class IdleWatch {
  readonly #plan: Plan;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #heard = new Map<string, Map<number, Heard>>();

  constructor(plan: Plan, log: Log, clock: Clock, partitions: number) {
    this.#plan = plan;
    this.#log = log;
    this.#clock = clock;
    const silent = Array.from({ length: partitions }, (_, partition) => partition);
    for (const { name } of plan.sources) {
      this.#heard.set(
        name,
        new Map(silent.map((partition) => [partition, { atMs: elapsedMs(clock), asleep: false }])),
      );
    }
  }

  /** An event of this partition was appended. */
  heard(source: string, partition: number): void {
    this.#heard.get(source)?.set(partition, { atMs: elapsedMs(this.#clock), asleep: false });
  }

  /** Whoever begins to read now may not know which partitions are asleep: they are found out again, and it is logged. */
  wake(): void {
    for (const partitions of this.#heard.values())
      for (const heard of partitions.values()) heard.asleep = false;
  }

  async run(signal: AbortSignal): Promise<void> {
    const shortestMs = Math.min(
      ...this.#plan.sources.map(({ watermark }) => watermark.idleAfterMs ?? Infinity),
    );
    if (shortestMs === Infinity) return;
    while (!signal.aborted) {
      await this.#clock.sleep(Math.max(10, shortestMs / 2), signal);
      await this.check();
    }
  }

  /**
   * Puts partitions to sleep that others have left behind, among all sources that meet in a view; the last one awake stays
   * awake, since nobody waits for it.
   */
  async check(): Promise<void> {
    const nowMs = elapsedMs(this.#clock);
    for (const names of groupsOf(this.#plan)) {
      const awake = names.flatMap((name) => this.#awake(name));
      const newestMs = Math.max(...awake.map(({ heard }) => heard.atMs));
      for (const { name, partition, heard, idleAfterMs } of awake) {
        if (heard.atMs === newestMs || nowMs - heard.atMs < idleAfterMs) continue;
        heard.asleep = true;
        try {
          await this.#log.append({ kind: 'idle', source: name, partition, records: ['{}'] });
        } catch (error) {
          // A full disk: it is decided again when there is room. A log that is broken says so itself.
          heard.asleep = false;
          if (!(error instanceof CodedError) || !error.retry) throw error;
          return;
        }
      }
    }
  }

  #awake(name: string): { name: string; partition: number; heard: Heard; idleAfterMs: number }[] {
    const source = this.#plan.sources.find((candidate) => candidate.name === name);
    const idleAfterMs = source?.watermark.idleAfterMs ?? Infinity;
    return [...(this.#heard.get(name) ?? [])]
      .filter(([, { asleep }]) => !asleep)
      .map(([partition, heard]) => ({ name, partition, heard, idleAfterMs }));
  }
}
