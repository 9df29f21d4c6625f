import { failure } from './errors.ts';

/** Bytes in each unit a size may carry: powers of 1000, as in the contract. */
const UNIT_BYTES = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const;
type Unit = keyof typeof UNIT_BYTES;

const SHAPE = /^(\d{1,12}(?:\.\d{1,6})?)(B|KB|MB|GB|TB)$/;

/**
 * Reads a size such as `512B`, `64KB` or `2GB` as bytes.
 * @throws SIZE_INVALID for a bare number or an unknown unit.
 */
export function parseSize(text: unknown, where = 'size'): number {
  const match = typeof text === 'string' ? SHAPE.exec(text.trim()) : null;
  if (match === null) throw failure('SIZE_INVALID', { text: String(text), where });
  return Math.round(Number(match[1]) * UNIT_BYTES[match[2] as Unit]);
}

/** Writes bytes with the largest unit that keeps the number at or above 1. */
export function formatSize(bytes: number): string {
  const units: readonly Unit[] = ['TB', 'GB', 'MB', 'KB'];
  for (const unit of units) {
    if (bytes >= UNIT_BYTES[unit]) return `${Math.round((bytes / UNIT_BYTES[unit]) * 10) / 10}${unit}`;
  }
  return `${Math.round(bytes)}B`;
}
