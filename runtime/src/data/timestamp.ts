const ISO_SHAPE =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const SQL_SHAPE = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?$/;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * Reads an ISO 8601 time with `Z` or an offset as epoch milliseconds; digits below a millisecond are cut off.
 * Undefined for anything else: no zone, a day that the month does not have, a leap second.
 */
export function parseTimestamp(text: string): number | undefined {
  return read(ISO_SHAPE.exec(text));
}

/** Reads `yyyy-MM-dd HH:mm:ss`, with up to nine digits behind the second, as a time in UTC. */
export function parseSqlTimestamp(text: string): number | undefined {
  return read(SQL_SHAPE.exec(text));
}

function read(match: RegExpExecArray | null): number | undefined {
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day] = [part(1), part(2), part(3)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(9) > 23 || part(10) > 59) return undefined;
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(part(4), part(5), part(6), milliseconds);
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (part(9) * 60 + part(10));
  return date.getTime() - offsetMinutes * 60_000;
}

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (DAYS[month - 1] ?? 0) + (leap ? 1 : 0);
}

/** Writes epoch milliseconds as ISO 8601 in UTC with milliseconds. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** Writes epoch milliseconds as `yyyy-MM-dd HH:mm:ss.SSS` in UTC. */
export function formatSqlTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}
