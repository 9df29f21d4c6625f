/** Builds shim.c, and says what a process that loads it is to suffer. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const SOURCE = new URL('../../test/faults/shim.c', import.meta.url).pathname;

/** Kinds of calls as shim.c names them; `all` are those that change something. */
type Calls = 'all' | 'write' | 'sync' | 'create' | 'read';

export interface Fault {
  readonly calls: Calls;
  /** The call that is hit, from 1; 0 only counts. */
  readonly at: number;
  /** As FAULT_DO of shim.c. */
  readonly does: string;
  /** Every later call is hit too. */
  readonly ever?: boolean;
}

export interface Tally {
  readonly counted: number;
  readonly hit: number;
  /** Of the last call that was hit; empty when none was. */
  readonly path: string;
}

export class Shim {
  readonly folder = mkdtempSync(join(tmpdir(), 'shim-'));
  readonly #library = join(this.folder, 'shim.so');

  /** Why there is none on this machine, or undefined when it is built. */
  build(): string | undefined {
    if (process.platform !== 'linux') return 'LD_PRELOAD needs Linux';
    const flags = ['-O1', '-shared', '-fPIC', '-o', this.#library, SOURCE, '-ldl'];
    const { status, error, stderr } = spawnSync('cc', flags, { encoding: 'utf8' });
    if (error !== undefined) return `no C compiler: ${error.message}`;
    // A source that does not compile is a mistake of ours, no property of the machine.
    if (status !== 0) throw new Error(stderr);
    return undefined;
  }

  /** The environment of a process that suffers the fault in the files below a folder. */
  environment(under: string, { calls, at, does, ever }: Fault): Record<string, string> {
    rmSync(this.#tally, { force: true });
    return {
      LD_PRELOAD: this.#library,
      FAULT_UNDER: under,
      FAULT_AT: String(at),
      FAULT_DO: does,
      FAULT_EVER: ever === true ? '1' : '0',
      FAULT_FILE: this.#tally,
      ...(calls === 'all' ? {} : { FAULT_OPS: calls }),
    };
  }

  /** What the last process counted and suffered. */
  tally(): Tally {
    const bytes = readFileSync(this.#tally);
    const path = bytes.toString('utf8', 16, Math.max(16, bytes.indexOf(0, 16)));
    return { counted: Number(bytes.readBigUInt64LE(0)), hit: Number(bytes.readBigUInt64LE(8)), path };
  }

  get #tally(): string {
    return join(this.folder, 'tally');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
