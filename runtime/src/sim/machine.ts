/**
 * A machine of the simulated world: a disk, stores and processes. A process that is killed leaves all it wrote; a power
 * cut leaves what was synced and whatever the seed picks of the rest.
 */
import { invariant } from '../base/invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Store } from '../state/store.ts';
import { simDisk, SimFileSystem } from './disk.ts';
import { type Damage, errorOf, Faults, type OperationKind } from './faults.ts';
import { openSimStore, type SimStoreFiles } from './store.ts';
import type { Owner, World } from './world.ts';

export class Machine {
  readonly world: World;
  readonly faults = new Faults();
  readonly files: SimFileSystem;
  readonly stores = new Map<string, SimStoreFiles>();
  readonly processes = new Set<SimProcess>();
  kills = 0;
  powerCuts = 0;

  constructor(world: World) {
    this.world = world;
    this.files = new SimFileSystem(world.random.fork());
  }

  start(): SimProcess {
    const started = new SimProcess(this);
    this.processes.add(started);
    return started;
  }

  kill(process: SimProcess): void {
    if (!this.processes.delete(process)) return;
    this.kills++;
    this.#end(process);
  }

  powerCut(): void {
    this.powerCuts++;
    for (const process of this.processes) this.#end(process);
    this.processes.clear();
    this.files.powerCut();
    for (const store of this.stores.values()) store.powerCut(this.world.random);
  }

  #end(process: SimProcess): void {
    process.end();
    this.world.forget(process);
    for (const store of this.stores.values()) store.unlock(process);
  }
}

export class SimProcess implements Owner {
  readonly machine: Machine;
  isAlive = true;
  isPaused = false;
  readonly disk: Disk;
  readonly clock: Clock;
  #onEnd: () => void = () => {};
  /** Resolves when the process is killed or loses its power. */
  readonly ended = new Promise<void>((resolve) => {
    this.#onEnd = resolve;
  });

  /** @internal Use `Machine.start`. */
  constructor(machine: Machine) {
    this.machine = machine;
    this.disk = simDisk(this);
    this.clock = clockOf(this);
  }

  end(): void {
    this.isAlive = false;
    this.#onEnd();
  }

  openStore(folder: string): Promise<Store> {
    return openSimStore(this, folder);
  }

  /**
   * Does an operation in one of the next steps, unless a fault does something else. `work` is told how much of it is to
   * be done: a part of a write is what a short one takes, and what a death in its midst leaves.
   */
  operate<T>(kind: OperationKind, path: string, work: (share: number) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        const damage = this.machine.faults.next(kind, path);
        if (damage?.does === 'delay') this.machine.world.post(this, finish, damage.ms);
        else if (damage !== null) this.#suffer(damage, kind, work, resolve, reject);
        else finish();
      };
      const finish = (): void => {
        try {
          resolve(work(1));
        } catch (error) {
          reject(error);
        }
      };
      this.machine.world.post(this, run);
    });
  }

  #suffer<T>(
    damage: Damage,
    kind: OperationKind,
    work: (share: number) => T,
    resolve: (result: T) => void,
    reject: (error: unknown) => void,
  ): void {
    invariant(damage.does !== 'delay', 'a delay is not suffered here');
    const { random } = this.machine.world;
    if (damage.does === 'shorten') return resolve(work(kind === 'write' ? random.next() : 1));
    if (damage.does === 'fail') {
      // Of a sync that fails something may be written.
      if (kind === 'sync') work(random.next());
      return reject(errorOf(damage.code));
    }
    const within = damage.when === 'within' && kind === 'write';
    try {
      if (within) work(random.next());
      else if (damage.when !== 'before') work(1);
    } catch {
      // What it would have said, nobody hears.
    }
    if (damage.does === 'kill') this.machine.kill(this);
    else this.machine.powerCut();
  }
}

function clockOf(owner: SimProcess): Clock {
  const { world } = owner.machine;
  return {
    nowMs: () => world.nowMs + world.jumpMs,
    elapsedMs: () => world.nowMs,
    sleep(ms, signal) {
      if (signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        // Infinity is for ever: only the signal wakes.
        if (ms < Infinity) world.post(owner, wake, ms);
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
    turn: () => new Promise((resolve) => world.post(owner, resolve)),
  };
}
