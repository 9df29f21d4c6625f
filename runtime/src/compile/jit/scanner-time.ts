/** The minute that begins with `yyyy-MM-dd?HH:mm` in epoch milliseconds, from 1970 on; -1 for anything else. */
export function minuteAt(bytes: Buffer, at: number, between: number): number {
  const isShape =
    bytes[at + 4] === 45 && bytes[at + 7] === 45 && bytes[at + 10] === between && bytes[at + 13] === 58;
  const year = two(bytes, at) * 100 + two(bytes, at + 2);
  const month = two(bytes, at + 5);
  const day = two(bytes, at + 8);
  const hour = two(bytes, at + 11);
  const minute = two(bytes, at + 14);
  if (!isShape || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
  const dayMs = Date.UTC(year, month - 1, day);
  // A day that the month does not have has become one of the next month.
  if (day > 28 && new Date(dayMs).getUTCDate() !== day) return -1;
  return dayMs + (hour * 60 + minute) * 60_000;
}

/** Two digits as a number; far below zero when they are none. */
function two(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - 48;
  const ones = (bytes[at + 1] as number) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1e6;
}
