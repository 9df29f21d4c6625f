/**
 * Exact decimals: a whole number of 10^-scale, at most 2^53 - 1 in magnitude. What would leave that range is undefined
 * here, and an error of the row for an expression. Digits that a smaller scale has no place for are rounded, half away
 * from zero, as SQL does.
 */
import { invariant } from '../base/invariant.ts';
import { SCALE_MAX } from './value.ts';

const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** 10^exponent, exactly. REQUIRES 0 to 22. */
export function powerOfTen(exponent: number): number {
  const power = POWERS[exponent];
  invariant(power !== undefined, 'powers of ten are exact up to 22');
  return power;
}

const TEXT_SHAPE = /^([+-]?)(\d{1,400})(?:\.(\d{0,400}))?$/;

/** Reads `-12.345`, exactly: more digits than the scale has is undefined. */
export function parseDecimal(text: string, scale: number): number | undefined {
  const [, sign, whole = '', fraction = ''] = TEXT_SHAPE.exec(text) ?? [];
  if (sign === undefined || fraction.length > scale) return undefined;
  return signed(sign, Number(whole + fraction.padEnd(scale, '0')));
}

/** Reads `-12.345` and rounds what the scale has no place for. */
export function roundDecimal(text: string, scale: number): number | undefined {
  const [, sign, whole = '', fraction = ''] = TEXT_SHAPE.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const kept = Number(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  return signed(sign, kept + (fraction.charAt(scale) >= '5' ? 1 : 0));
}

function signed(sign: string, magnitude: number): number | undefined {
  if (!Number.isSafeInteger(magnitude)) return undefined;
  return sign === '-' ? 0 - magnitude : magnitude;
}

/** Always with exactly `scale` digits behind the point: `-0.500`. */
export function formatDecimal(unscaled: number, scale: number): string {
  const digits = String(Math.abs(unscaled)).padStart(scale + 1, '0');
  const sign = unscaled < 0 ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The same number in another scale. */
export function rescale(unscaled: number, from: number, to: number): number | undefined {
  if (to >= from) {
    const value = unscaled * powerOfTen(to - from);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const step = powerOfTen(from - to);
  const rest = unscaled % step;
  const whole = (unscaled - rest) / step;
  return Math.abs(rest) * 2 >= step ? whole + Math.sign(rest) : whole + 0;
}

/** Digits and scale of a literal such as `0.908`, or undefined when a decimal cannot hold it. */
export function decimalOf(text: string): { readonly unscaled: number; readonly scale: number } | undefined {
  const scale = (text.split('.')[1] ?? '').length;
  if (scale > SCALE_MAX) return undefined;
  const unscaled = parseDecimal(text, scale);
  return unscaled === undefined ? undefined : { unscaled, scale };
}

/**
 * Exact, whatever the scales: where one side leaves the range of exact numbers in the scale of the other, that alone makes
 * it the larger one.
 */
export function compareDecimals(a: number, scaleA: number, b: number, scaleB: number): number {
  if (scaleA === scaleB) return a - b;
  return scaleA < scaleB ? a * powerOfTen(scaleB - scaleA) - b : a - b * powerOfTen(scaleA - scaleB);
}
