/** Small file systems of a test's own, where the machine lets us make them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export class Mounts {
  readonly #mounted: string[] = [];

  /** Why none can be made here; undefined when they can. */
  static unavailable(): string | undefined {
    if (process.platform !== 'linux') return 'file systems are mounted on Linux only';
    if (process.getuid?.() !== 0) return 'only root may mount file systems';
    const mounts = new Mounts();
    const probe = mkdtempSync(join(tmpdir(), 'mount-'));
    try {
      mounts.tmpfs(probe, '1m');
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      mounts.remove();
      rmSync(probe, { recursive: true });
    }
  }

  /** A file system in memory, of a size such as `8m`. */
  tmpfs(place: string, size: string): void {
    this.mount(place, ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs']);
  }

  /** Mounts by the arguments of `mount`, without its last. */
  mount(place: string, args: readonly string[]): void {
    mkdirSync(place, { recursive: true });
    command('mount', [...args, place]);
    this.#mounted.push(place);
  }

  unmount(place: string): void {
    const at = this.#mounted.indexOf(place);
    if (at >= 0) this.#mounted.splice(at, 1);
    command('umount', [place]);
  }

  remove(): void {
    for (const place of this.#mounted.splice(0).toReversed()) spawnSync('umount', ['-l', place]);
  }
}

/** Runs a command of the system. Throws what it printed. */
export function command(name: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(name, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr.trim()}`);
}
