/** Where things lie in the scanner's memory, which its WebAssembly and its TypeScript share. Offsets are in bytes. */

/** What both tell each other. */
export const STATE = {
  at: 0,
  to: 4,
  /** Rows of the batch so far, and the most. */
  n: 8,
  rowsMax: 12,
  /** Where decoded strings are written, and where they must end. */
  side: 16,
  limit: 20,
  /** Counts lines, so that what was met in an earlier one is not taken for this one's. */
  line: 24,
  /** A second result of functions. */
  result: 28,
  /** How many values must be there. */
  required: 32,
  /** The mark of the key that decides whether a line is wanted; 0 when all are. What it is compared with. */
  gate: 36,
  gateIsNullable: 40,
  gateTexts: 44,
  gateNumbers: 48,
  gateNumbersEnd: 52,
  hasTime: 56,
  /** Of the line that is being read: the end of its decoded strings, values still missing, not wanted, nulls written. */
  sideTo: 60,
  missing: 64,
  isDropped: 68,
  isNullTouched: 72,
  timeRank: 76,
  time: 80,
  events: 88,
  maxTime: 96,
  timeMin: 104,
  timeMax: 112,
  /** Columns of the batch that every row has. */
  lineStarts: 120,
  lineEnds: 124,
  ordinals: 128,
  times: 132,
  maxTimesBefore: 136,
  /** Whether a member was met that no field reads. */
  isUnknownMet: 140,
} as const;

/** A step from one value to the next (see scanner-shapes.ts). */
export const STEP = {
  guess: 0,
  bytes: 4,
  length: 8,
  /** Which of the last sixteen bytes count. */
  mask: 12,
  op: 16,
  opWhenDropped: 20,
  leaf: 24,
  /** The mark of its key: the last line that the key was met in. */
  key: 28,
  /** Marks of the objects that it goes into or passes. */
  entered: 32,
  enteredEnd: 36,
  /** At an end: how many of its bytes are no longer part of the line. */
  tail: 40,
  number: 44,
  inside: 48,
} as const;
export const STEP_BYTES = 64;

/** A value that is read. */
export const LEAF = {
  /** Cells of row 0: numbers, or booleans, or starts and ends of texts; and nulls. */
  cells: 0,
  ends: 4,
  nulls: 8,
  isNullable: 12,
  isRequired: 16,
  /** Among the times of an event; NO_TIME for what is none. */
  timeRank: 20,
  /** The only texts allowed; 0 when all are. */
  texts: 24,
  number: 28,
  /** The first sixteen bytes of the last time that was read here, and the minute they say. */
  minuteBytes: 32,
  minute: 48,
} as const;
export const LEAF_BYTES = 64;

export const NO_TIME = 1000;

/** What is done with the value behind a step. Those from INTEGER on belong to a leaf. */
export const STOP = 0;
export const SKIP = 1;
export const END = 2;
export const INTEGER = 3;
export const DOUBLE = 4;
export const BOOLEAN = 5;
export const SQL_TIME = 6;
export const ISO_TIME = 7;
export const TEXT = 8;
/** Everything that only the judge can read. */
export const OTHER = 9;

/** Fixed tables: what letters behind a backslash stand for, and powers of ten. */
export const ESCAPES = 256;
export const POWERS = 512;
export const TABLES_END = 1024;
