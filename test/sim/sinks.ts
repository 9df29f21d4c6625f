/**
 * The sinks of a simulated job: files on its machine, tables of a database outside of it, and a reader who looks at both.
 *
 *   every commit of a table, and the files at any moment ─► is it the view as of some prefix of the log? each row once?
 *   at the end ─► is it what readers of the pipeline see?
 */
import { createHash } from 'node:crypto';
import 'hyparquet-compressors';
import type { SinkConfig } from '../../runtime/src/config/sinks.ts';
import type { Engine } from '../../runtime/src/engine/engine.ts';
import type { SinkPorts } from '../../runtime/src/engine/sinks.ts';
import type { JsonRow } from '../../runtime/src/host/host.ts';
import type { Machine, SimProcess } from '../../runtime/src/sim/machine.ts';
import type { Owner } from '../../runtime/src/sim/world.ts';
import { openSink } from '../../runtime/src/sinks/open.ts';
import type { Manifest } from '../../runtime/src/sinks/files/manifest.ts';
import { ViewLayout } from '../../runtime/src/views/layout.ts';
import { rowsOf } from '../runtime/sinks/read-files.ts';
import type { Choices, Life } from './choices.ts';
import { holds, same } from './claims.ts';
import { DatabaseSink } from './database-sink.ts';
import { type Line, SimDatabase, type TableContent } from './database.ts';
import type { Ledger } from './ledger.ts';

/** The server, and what is under way to it. */
const OUTSIDE: Owner = { isAlive: true, isPaused: false };
/** A server notices after a while that a client has died. */
const NOTICE_MS_MAX = 500;

export class SimSinks {
  readonly #machine: Machine;
  readonly #choices: Choices;
  readonly #ledger: Ledger;
  readonly #database: SimDatabase;
  readonly #did: (what: string) => void;
  /** Name → the manifest that was looked at last. */
  readonly #looked = new Map<string, string>();
  /** Name of a table → what it had at some moment before. */
  readonly #copies = new Map<string, TableContent>();

  constructor(machine: Machine, choices: Choices, ledger: Ledger, did: (what: string) => void) {
    this.#machine = machine;
    this.#choices = choices;
    this.#ledger = ledger;
    this.#did = did;
    this.#database = new SimDatabase(machine.world.random.fork());
    this.#database.onStrike = did;
    this.#database.onCommit = (table, { rows, marker }) => {
      const view = table.slice(0, table.lastIndexOf('_'));
      ledger.sawSink(table, view, [...rows.values()].flat(), marker?.position ?? 0);
      if (machine.world.random.chance(0.2)) this.#copies.set(table, { rows, marker });
    };
  }

  begin({ lineTrouble, setsDatabaseBack, config }: Life): void {
    this.#database.weather = { trouble: lineTrouble };
    for (const { name } of config.sinks) {
      const copy = this.#copies.get(name);
      if (!setsDatabaseBack || copy === undefined) continue;
      this.#database.setBack(name, copy);
      this.#ledger.sinkMayGoBack(name);
      this.#did('database: set back');
    }
  }

  /** From now on nothing goes wrong outside. */
  calm(): void {
    this.#database.weather = { trouble: 0 };
  }

  portsOf(process: SimProcess): SinkPorts {
    const { world } = this.#machine;
    return {
      disk: process.disk,
      random: world.random,
      makeSink: (config) => {
        if (config.to.kind === 'files')
          return openSink(config, { disk: process.disk, pipeline: 'simulated', journal: null });
        const sink = new DatabaseSink(this.#database, config.name, this.#lineOf(process));
        void process.ended.then(() =>
          world.post(OUTSIDE, () => void sink.close(), world.random.below(NOTICE_MS_MAX)),
        );
        return sink;
      },
    };
  }

  #lineOf(process: SimProcess): Line {
    const { world } = this.#machine;
    return {
      later: (work) =>
        world.post(OUTSIDE, () => {
          if (!process.isAlive) this.#did('database: a message of the dead');
          work();
        }),
      heard: (work) => world.post(process, work),
    };
  }

  /** What a reader of the files finds now; `engine` knows the columns. */
  async look(engine: Engine): Promise<void> {
    for (const config of engine.config.sinks) {
      if (config.to.kind !== 'files') continue;
      const found = this.#manifestOf(config);
      if (found === null || this.#looked.get(config.name) === found.name) continue;
      this.#looked.set(config.name, found.name);
      const rows = await this.#rowsOf(config, found.manifest);
      if (rows !== null) this.#ledger.sawSink(config.name, config.view, rows, found.manifest.position);
    }
  }

  #manifestOf({ to }: SinkConfig): { readonly name: string; readonly manifest: Manifest } | null {
    if (to.kind !== 'files') return null;
    const node = this.#machine.files.find(to.folder);
    const names = node?.kind === 'folder' ? [...node.names.keys()] : [];
    const name = names
      .filter((each) => /^manifest-\d+\.json$/.test(each))
      .toSorted()
      .at(-1);
    if (name === undefined) return null;
    return { name, manifest: JSON.parse(this.#read(`${to.folder}/${name}`).toString()) as Manifest };
  }

  #read(path: string): Buffer {
    const file = this.#machine.files.find(path);
    holds(file?.kind === 'file', `${path} is there`);
    const bytes = Buffer.alloc(file?.kind === 'file' ? file.content.sizeBytes : 0);
    if (file?.kind === 'file') file.content.read(bytes, 0);
    return bytes;
  }

  /** Checks all that the manifest says. Null when it was written with columns that are not known here. */
  async #rowsOf(config: SinkConfig, manifest: Manifest): Promise<JsonRow[] | null> {
    const { to, view: name } = config;
    const { chosen } = this.#choices;
    const { plan } = chosen.definition;
    const view = plan.views.find((each) => each.name === name);
    if (to.kind !== 'files' || view === undefined) return null;
    const { columns } = new ViewLayout(plan, view);
    // All of one moment, before anything is waited for.
    const files = manifest.files.map((file) => ({ file, bytes: this.#read(`${to.folder}/${file.name}`) }));
    const found: JsonRow[] = [];
    for (const { file, bytes } of files) {
      same(bytes.length, file.bytes, `bytes of ${file.name}`);
      same(createHash('sha256').update(bytes).digest('hex'), file.sha256, `checksum of ${file.name}`);
      const rows = await rowsOf(manifest.fileFormat, bytes, columns);
      same(rows.length, file.rows, `rows of ${file.name}`);
      for (const row of rows) found.push(row);
    }
    return found;
  }

  /** After everything was delivered: what the sinks have is what readers of the pipeline see. */
  async expectSame(engine: Engine): Promise<void> {
    const known = engine.arrangement.serving.plan.views.map(({ name }) => name);
    for (const config of engine.config.sinks) {
      const { view, name, to } = config;
      if (!known.includes(view)) continue;
      const manifest = this.#manifestOf(config)?.manifest;
      const rows =
        to.kind === 'postgres'
          ? [...this.#contentOf(name).rows.values()].flat()
          : manifest === undefined
            ? null
            : await this.#rowsOf(config, manifest);
      const seen = await engine.query(view, { where: {} });
      same((rows ?? []).map(textOf).toSorted(), seen.map(textOf).toSorted(), `rows of sink ${name}`);
      this.#did(`sink: ${to.kind === 'postgres' ? 'database' : manifest?.fileFormat}`);
    }
  }

  #contentOf(table: string): TableContent {
    return this.#database.content(table);
  }
}

function textOf(row: JsonRow): string {
  return JSON.stringify(row);
}
