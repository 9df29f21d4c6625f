import type { KnowledgeEntry } from './entry.ts';
import { OURS } from './ours.ts';
import { PUBLISHED } from './published.ts';

export const KNOWLEDGE: readonly KnowledgeEntry[] = [...PUBLISHED, ...OURS];

const BY_ID = new Map(KNOWLEDGE.map((entry) => [entry.id, entry]));

/** The entry with this id; that it exists is held by a test over every id that is used. */
export function knowledgeOf(id: string): KnowledgeEntry {
  const entry = BY_ID.get(id);
  if (entry === undefined) throw new Error(`no knowledge "${id}"`);
  return entry;
}
