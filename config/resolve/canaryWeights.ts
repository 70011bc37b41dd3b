import type { Backend } from "./model";

/** Gateway API: largest weight of a backend. */
const MAX_WEIGHT = 1_000_000;

/**
 * Integer weights of the stable backends, in proportion to the given ones, and of the canary, which gets its percentage of the
 * sum.
 */
export function split(stable: readonly Backend[], canary: Backend, percent: number): Backend[] {
  const total = Math.max(
    stable.reduce((sum, { weight }) => sum + weight, 0),
    1,
  );
  const exact = [...stable.map(({ weight }) => weight * (100 - percent)), total * percent];
  // Percentages if they are exact; otherwise the smallest integers that are.
  const unit = exact.every((weight) => weight % total === 0) ? total : exact.reduce(greatestCommonDivisor);
  const scale = Math.max(unit, Math.max(...exact) / MAX_WEIGHT);
  return [...stable, canary].map((backend, index) => {
    const share = (exact[index] ?? 0) / scale;
    // A share never rounds to 0.
    return { ...backend, weight: share > 0 ? Math.max(Math.round(share), 1) : 0 };
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
