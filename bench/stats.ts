/** A median, and the bounds that contain the medians of 95 % of the resamples. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What was measured once. */
export function once(value: number): Interval {
  return { median: value, low: value, high: value };
}

const RESAMPLES = 2000;

export function median(values: readonly number[]): number {
  if (values.length === 0) {
    throw new RangeError("cannot take the median of no values");
  }
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below = NaN, above = NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (below + above) / 2;
}

/** The percentile bootstrap of the median. The same values always give the same bounds. */
export function bootstrap(values: readonly number[]): Interval {
  const random = generator(1);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? NaN)),
  ).sort((a, b) => a - b);
  const at = (share: number) => medians[Math.round(share * (RESAMPLES - 1))] ?? NaN;
  return { median: median(values), low: at(0.025), high: at(0.975) };
}

/** Pseudorandom numbers in [0, 1) (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
