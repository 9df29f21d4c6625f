import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';

const BYTES_PER_ENTRY = 200;
const BYTES_PER_VALUE = 16;
const VALUES_PER_ENTRY = 100;

/**
 * State of every key in the windows that are open; distinct values and joins keep more than a number. A batch holds it only
 * while it runs. The bytes of an entry are an estimate (ours-state).
 */
export function stateBytesOf(architecture: Architecture, facts: Facts): number {
  if (architecture === 'batch') return 0;
  const openWindows = 1 + facts.latest / facts.window;
  const events = facts.eventsPerSecond * (facts.window + facts.latest);
  const entries = Math.min(facts.keys * openWindows, events);
  const values = facts.distinct ? Math.min(events, entries * VALUES_PER_ENTRY) * BYTES_PER_VALUE : 0;
  const sides = facts.joins ? events * facts.bytesPerEvent : 0;
  return entries * BYTES_PER_ENTRY + values + sides;
}
