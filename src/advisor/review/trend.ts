/**
 * Growth of a daily count, with its uncertainty: the median of the slopes between all pairs of days (Theil–Sen), of the
 * logarithms, since volume grows by a factor. Its interval is that of Kendall's rank correlation (Sen 1968): no day that is an
 * outlier, and no assumption about how counts scatter, moves it far.
 */
export interface DayCount {
  /** A whole number of days since any beginning. */
  readonly day: number;
  readonly count: number;
}

/** Growth of the logarithm in a day. */
export interface Trend {
  readonly low: number;
  readonly likely: number;
  readonly high: number;
  readonly days: number;
}

/** Fewer days say nothing: a week has its own ups and downs. */
export const TREND_DAYS_MIN = 7;
/** 90 of 100 intervals hold the slope. */
const Z = 1.645;

/** The trend of so many days, or null for too few. REQUIRES different days. Days without a count are left out. */
export function trendOf(counts: readonly DayCount[]): Trend | null {
  const points = counts.filter(({ count }) => count > 0);
  const n = points.length;
  if (n < TREND_DAYS_MIN) return null;
  const slopes: number[] = [];
  for (const [index, a] of points.entries())
    for (const b of points.slice(index + 1))
      slopes.push((Math.log(b.count) - Math.log(a.count)) / (b.day - a.day));
  slopes.sort((a, b) => a - b);
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number): number =>
    slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))] as number;
  const middle = (slopes.length - 1) / 2;
  return {
    low: at(middle - spread / 2),
    likely: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    high: at(middle + spread / 2),
    days: n,
  };
}

/** The factor in a year that a slope comes to. */
export function perYear(slope: number): number {
  return Math.exp(365 * slope);
}
