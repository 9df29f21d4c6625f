/**
 * A case: a folder of test/cases with a definition, its events and what everything that runs it must end with.
 *
 *   pipeline.ts      the definition
 *   input.jsonl      an event a line; with several sources `{"source": event}`. A last line `"end"` ends the input.
 *   expected.jsonl   rows of views, late events, rejections and how often an event was late, in any order
 *   engines.json     what differs, and why: `files` one pass over files, `inexact` DuckDB; `duckdb` lists what it refuses
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pipeline } from 'pipeline-runtime';

const CASES = new URL('../../cases/', import.meta.url).pathname;

export interface Expected {
  readonly view?: string;
  readonly row?: object;
  readonly late?: object;
  readonly rejected?: string;
  readonly lateTotal?: number;
}

export interface Sent {
  readonly source: string;
  /** The event as JSON. */
  readonly text: string;
}

export interface Case {
  readonly name: string;
  readonly definition: Pipeline;
  readonly sent: readonly Sent[];
  readonly ends: boolean;
  readonly expected: readonly Expected[];
  readonly engines: {
    readonly files?: string;
    readonly inexact?: string;
    readonly duckdb?: readonly string[];
  };
}

export const caseNames: readonly string[] = readdirSync(CASES);

export async function caseOf(name: string): Promise<Case> {
  const file = (base: string): string => join(CASES, name, base);
  const lines = (base: string): string[] => readFileSync(file(base), 'utf8').trim().split('\n');
  const { default: definition } = (await import(file('pipeline.ts'))) as { default: Pipeline };
  const [first, ...others] = definition.plan.sources;
  const input = lines('input.jsonl');
  const ends = input.at(-1) === '"end"';
  const sent = (ends ? input.slice(0, -1) : input).map((text): Sent => {
    if (first !== undefined && others.length === 0) return { source: first.name, text };
    const [[source, event] = ['', null]] = Object.entries(JSON.parse(text) as object);
    return { source, text: JSON.stringify(event) };
  });
  return {
    name,
    definition,
    sent,
    ends,
    expected: lines('expected.jsonl').map((line) => JSON.parse(line) as Expected),
    engines: existsSync(file('engines.json'))
      ? (JSON.parse(readFileSync(file('engines.json'), 'utf8')) as Case['engines'])
      : {},
  };
}

/** The expected rows of the views that the end of the input does not change: all, if the case ends it. */
export function finalRows({ definition, ends, expected }: Case): ReadonlyMap<string, readonly object[]> {
  const views = definition.plan.views.filter(({ mode }) => ends || mode === 'updates');
  return new Map(
    views.map(({ name }) => [name, expected.flatMap(({ view, row }) => (view === name && row) || [])]),
  );
}

/** As a multiset. */
export const sorted = (found: readonly unknown[]): string[] =>
  found.map((each) => JSON.stringify(each)).sort();
