/**
 * What goes wrong, and when: each fault waits for the n-th operation of its kinds, and is counted when it strikes. A run
 * whose fault did not strike has tested nothing.
 */
export type OperationKind =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'sync-folder'
  | 'list'
  | 'make-folder'
  | 'rename'
  | 'link'
  | 'remove'
  | 'store-open'
  | 'store-read'
  | 'store-commit'
  | 'store-sync'
  | 'store-freeze';

/** What a fault does to the operation that it strikes. */
export type Damage =
  /** It fails with this code: once, or it and all after it. */
  | { readonly does: 'fail'; readonly code: string; readonly forEver: boolean }
  /** A write takes only a part of the bytes. */
  | { readonly does: 'shorten' }
  | { readonly does: 'delay'; readonly ms: number }
  /** The process dies, or the power goes: before the operation, after it and unseen, or in the middle of a write. */
  | { readonly does: 'kill' | 'power-cut'; readonly when: 'before' | 'after' | 'within' };

export interface Fault {
  /** Strikes the n-th operation of the kinds, from 1. */
  readonly at: number;
  /** All when absent. */
  readonly kinds?: readonly OperationKind[];
  /** Only operations on paths that have this in them. */
  readonly path?: string;
  readonly damage: Damage;
}

interface Armed extends Fault {
  seen: number;
  struck: number;
}

export class Faults {
  readonly #armed: Armed[] = [];

  arm(fault: Fault): void {
    this.#armed.push({ ...fault, seen: 0, struck: 0 });
  }

  /** Those that have not struck do not strike any more; nothing fails any more. Returns all that were armed. */
  disarm(): readonly (Fault & { readonly struck: number })[] {
    return this.#armed.splice(0);
  }

  /** How often faults of a damage struck. */
  get struck(): number {
    return this.#armed.reduce((sum, { struck }) => sum + struck, 0);
  }

  /** What happens to the next operation. */
  next(kind: OperationKind, path: string): Damage | null {
    for (const fault of this.#armed) {
      if (fault.kinds !== undefined && !fault.kinds.includes(kind)) continue;
      if (fault.path !== undefined && !path.includes(fault.path)) continue;
      fault.seen++;
      const { damage } = fault;
      const lasts = damage.does === 'fail' && damage.forEver;
      if (lasts ? fault.seen < fault.at : fault.seen !== fault.at) continue;
      fault.struck++;
      return damage;
    }
    return null;
  }
}

export function errorOf(code: string): Error {
  return Object.assign(new Error(`${code} (simulated)`), { code });
}
