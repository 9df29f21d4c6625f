/** What somebody who operates a simulated job does while it runs. */
import type { CodedError } from '../../runtime/src/base/coded-error.ts';
import type { Engine } from '../../runtime/src/engine/engine.ts';
import type { SnapshotStatus } from '../../runtime/src/host/host.ts';
import { folderPlace } from '../../runtime/src/snapshots/place.ts';
import { restoreSnapshot } from '../../runtime/src/snapshots/restore.ts';
import type { SimProcess } from '../../runtime/src/sim/machine.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import type { Choices } from './choices.ts';
import { holds } from './claims.ts';
import type { Ledger } from './ledger.ts';

const BACKUP = '/backup';

interface Begun {
  readonly engine: Engine;
  readonly acknowledged: number;
  readonly generationBefore: number;
}

export class Operator {
  readonly #choices: Choices;
  readonly #ledger: Ledger;
  readonly #random: SeededRandom;
  readonly #did: (what: string) => void;
  #begun: Begun | null = null;
  /** Of the newest snapshot that is known to be there: how many records it must have. */
  #taken = { generation: 0, records: 0 };

  constructor(choices: Choices, ledger: Ledger, random: SeededRandom, did: (what: string) => void) {
    this.#choices = choices;
    this.#ledger = ledger;
    this.#random = random;
    this.#did = did;
  }

  async act(engine: Engine): Promise<void> {
    await this.#lookForSnapshot(engine);
    const { architecture } = this.#choices;
    if (architecture === 'kappa' && this.#random.chance(0.5)) return this.#version(engine);
    if (this.#random.chance(0.4)) return this.#snapshot(engine);
    if (this.#random.chance(0.2)) {
      await engine.command('replay-rejected', {});
      return this.#did('replay-rejected');
    }
    if (this.#random.chance(0.2)) {
      this.#ledger.admits();
      const { admitted } = (await engine.command('replay-late', {})) as { readonly admitted: number };
      return this.#did(admitted > 0 ? 'replay-late' : 'nothing was late');
    }
    if (architecture !== 'batch' && architecture !== 'lambda') return;
    if (await this.#asked(engine, 'backfill', {})) this.#did('backfill');
  }

  async #version(engine: Engine): Promise<void> {
    const versions = (await engine.command('versions', {})) as readonly { name: string; role: string }[];
    const other = versions.find(({ role }) => role !== 'live')?.name;
    const { changed, definition } = this.#choices.chosen;
    const name = other === undefined ? 'replay' : this.#random.pick(['promote', 'rollback', 'drop']);
    const plan = this.#random.chance(0.3) ? changed.plan : definition.plan;
    const params = name === 'replay' ? { plan } : { version: other };
    try {
      if (name === 'rollback' || name === 'promote') this.#ledger.mayGoBack();
      if (await this.#asked(engine, name, name === 'rollback' ? {} : params)) this.#did(name);
    } catch (error) {
      // What cannot be done now: too far behind, nothing to go back to.
      if ((error as CodedError).code !== 'VERSION_INVALID') throw error;
    }
  }

  /** False when it would need what was removed from the log. */
  async #asked(engine: Engine, name: string, params: object): Promise<boolean> {
    try {
      await engine.command(name, params);
      return true;
    } catch (error) {
      if ((error as CodedError).code !== 'LOG_TRIMMED') throw error;
      holds(engine.data.log.start > 0, 'only a log that was trimmed says so');
      this.#did('refused what the log has not any more');
      return false;
    }
  }

  async #snapshot(engine: Engine): Promise<void> {
    const { acknowledgedRecords: acknowledged } = this.#ledger;
    const { running, last } = (await engine.command('snapshot-status', {})) as SnapshotStatus;
    if (running !== null) return;
    const generationBefore = last?.generation ?? this.#taken.generation;
    this.#begun = { engine, acknowledged, generationBefore };
    await engine.command('snapshot', { folder: BACKUP, keep: this.#random.between(1, 2) });
  }

  async #lookForSnapshot(engine: Engine): Promise<void> {
    const begun = this.#begun;
    if (begun?.engine !== engine) return;
    const { last } = (await engine.command('snapshot-status', {})) as SnapshotStatus;
    if (last === null || last.generation <= begun.generationBefore) return;
    this.#begun = null;
    this.#taken = { generation: last.generation, records: begun.acknowledged };
    this.#did('snapshot');
  }

  /** Makes a folder of the newest snapshot; returns how many records must be in it, or null when there is no snapshot. */
  async restore({ disk }: SimProcess, folder: string): Promise<number | null> {
    const place = folderPlace(disk, BACKUP);
    const { signal } = new AbortController();
    try {
      const { generation } = await restoreSnapshot({ place, disk, folder, pipeline: 'simulated', signal });
      holds(generation >= this.#taken.generation, `snapshot ${this.#taken.generation} is not there any more`);
      return this.#taken.records;
    } catch (error) {
      const { code } = error as CodedError;
      if (code === 'SNAPSHOT_NONE') {
        holds(this.#taken.generation === 0, 'a snapshot that was taken is not there');
        return null;
      }
      // One that died at its very end.
      if (code === 'RESTORE_OCCUPIED') return this.#taken.records;
      throw error;
    }
  }
}
