import type { Batch, Entry, Range, ScanOptions, Snapshot, Store } from './store.ts';

/** Reads of a sorted map; keys are bytes as Latin-1 text, which compares by code unit and so by byte. */
class MemoryReads implements Snapshot {
  protected readonly entries: Map<string, Buffer>;

  constructor(entries: Map<string, Buffer>) {
    this.entries = entries;
  }

  get(key: Buffer): Promise<Buffer | null> {
    return Promise.resolve(this.entries.get(key.toString('latin1')) ?? null);
  }

  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async *scan(range: Range, { reverse = false, limit = Infinity }: ScanOptions = {}): AsyncIterable<Entry> {
    const keys = this.keysIn(range);
    if (reverse) keys.reverse();
    const found = keys.slice(0, limit).map((key) => ({
      key: Buffer.from(key, 'latin1'),
      value: this.entries.get(key) as Buffer,
    }));
    yield* found;
  }

  protected keysIn({ gte, lt }: Range): string[] {
    const [from, to] = [gte.toString('latin1'), lt.toString('latin1')];
    return [...this.entries.keys()].filter((key) => key >= from && key < to).sort((a, b) => (a < b ? -1 : 1));
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

/** The store of tests and of runs over a finite file: it ends with the process. Scans sort, so it suits small states. */
export class MemoryStore extends MemoryReads implements Store {
  constructor() {
    super(new Map());
  }

  snapshot(): Snapshot {
    return new MemoryReads(new Map(this.entries));
  }

  commit(batch: Batch): Promise<void> {
    for (const operation of batch.operations) {
      if (operation.kind === 'put')
        this.entries.set(operation.key.toString('latin1'), Buffer.from(operation.value));
      else if (operation.kind === 'delete') this.entries.delete(operation.key.toString('latin1'));
      else for (const key of this.keysIn(operation)) this.entries.delete(key);
    }
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
