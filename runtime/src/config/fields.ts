/** Kinds of values that settings have. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseDuration } from '../base/durations.ts';
import { parseSize } from '../base/sizes.ts';

/** A duration such as `15m`, read as milliseconds; at least `minMs`. */
export function duration(fallback: string, minMs = 1) {
  return z
    .unknown()
    .default(fallback)
    .transform((text, context) => millisecondsOf(text, minMs, context));
}

/** The same, undefined when nothing is said. */
export function durationIfSaid(minMs = 1) {
  return z
    .unknown()
    .optional()
    .transform((text, context) => (text === undefined ? undefined : millisecondsOf(text, minMs, context)));
}

function millisecondsOf(text: unknown, minMs: number, context: z.RefinementCtx): number {
  try {
    const ms = parseDuration(text, 'value');
    if (ms >= minMs) return ms;
    context.addIssue({ code: 'custom', message: `must be at least ${minMs}ms` });
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message.replace(/^value: /, '') });
  }
  return z.NEVER;
}

/** A size such as `256MB`, read as bytes; at least `minBytes`. */
export function size(minBytes: number) {
  return z.unknown().transform((text, context) => {
    try {
      const bytes = parseSize(text, 'value');
      if (bytes >= minBytes) return bytes;
      context.addIssue({
        code: 'custom',
        message: minBytes === 1 ? 'must be more than 0' : `must be at least ${minBytes}B`,
      });
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message.replace(/^value: /, '') });
    }
    return z.NEVER;
  });
}

export const relativePath = z
  .string()
  .min(1)
  .refine((path) => !path.includes('\0') && !isAbsolute(path) && !path.split(/[\\/]/).includes('..'), {
    message: 'must be a path inside the project, relative to it and without ".."',
  });
