/** What the main thread and the workers of a run say to each other. Everything here is data that can be copied. */
import type { MessagePort } from 'node:worker_threads';
import type { Route } from '../compile/partition.ts';
import type { Plan } from '../plan/node.ts';
import type { FileViewOptions } from './file-view.ts';
import type { Page } from './file-worker-page.ts';
import type { OneWorker } from './file-worker-split.ts';

/** Views whose events go to the same places. */
export interface WorkerGroup {
  /** Their places among the views of the plan. */
  readonly views: readonly number[];
  readonly routes: ReadonlyMap<string, Route | OneWorker>;
}

export interface WorkerData {
  readonly plan: Plan;
  readonly options: FileViewOptions;
  readonly groups: readonly WorkerGroup[];
  readonly worker: number;
  readonly workers: number;
  readonly chunkBytes: number;
  readonly control: SharedArrayBuffer;
  /** To each other worker; none to itself. */
  readonly ports: readonly (MessagePort | null)[];
  /** Over which the main thread hands over lines. */
  readonly lines: MessagePort;
}

export interface FeedCommand {
  readonly kind: 'feed';
  /** Counts the feeds; messages of an earlier one are stale. */
  readonly feed: number;
  readonly source: string;
  /** The file to read; null for lines from the main thread. */
  readonly fd: number | null;
  /** Events of other sources before. */
  readonly firstPosition: number;
  readonly plausible: { readonly fromMs: number; readonly toMs: number } | null;
}

export type Command =
  | FeedCommand
  | { readonly kind: 'end' }
  | { readonly kind: 'rows'; readonly view: number; readonly ordered: boolean };

/** Lines from the main thread; null after the last. */
export interface LinesMessage {
  readonly feed: number;
  readonly chunk: number;
  readonly lines: Uint8Array | null;
}

/** One chunk of the input as columns. Times and places count from its beginning. */
export interface ChunkMessage {
  readonly feed: number;
  readonly chunk: number;
  /** There was no such chunk: the input ended before. */
  readonly isEnd: boolean;
  readonly events: number;
  readonly maxTimeMs: number;
  readonly batches: readonly {
    /** After the batch. */
    readonly maxTimeMs: number;
    /** For each group; null for one that does not read the source. */
    readonly pages: readonly (Page | null)[];
  }[];
  readonly problems: readonly ChunkProblem[];
}

export interface ChunkProblem {
  readonly ordinal: number;
  readonly problem: string;
}

/** Instead of a problem with a time that cannot be right: only the main thread can say what is wrong with it. */
export const IMPLAUSIBLE = '\0implausible ';

export interface ViewCounts {
  readonly late: number;
  readonly rejected: number;
  readonly reasons: readonly string[];
  readonly stateBytes: number;
  readonly interpretedBecause: string | null;
}

export type Answer =
  /** The worker has done what the last command said. */
  | { readonly kind: 'done'; readonly events: number }
  | { readonly kind: 'counts'; readonly views: readonly ViewCounts[] }
  /** A chunk of lines was taken. */
  | { readonly kind: 'took' }
  | { readonly kind: 'problems'; readonly source: string; readonly problems: readonly ChunkProblem[] }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  /** Rows with what orders them: key i is [keyEnds[i - 1], keyEnds[i]). */
  | {
      readonly kind: 'ordered';
      readonly keys: Uint8Array;
      readonly keyEnds: Uint32Array;
      readonly lines: Uint8Array;
      readonly lineEnds: Uint32Array;
    }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string };
