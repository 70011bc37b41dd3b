const MILLISECONDS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** A Gateway API duration such as `1m30s`, in milliseconds. */
export function milliseconds(duration: string): number {
  return [...duration.matchAll(/([0-9]+)(h|ms|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS],
    0,
  );
}

/** The same in the form that protobuf's JSON takes, which knows seconds alone: `90s`, `0.5s`. */
export function protoDuration(duration: string): string {
  return `${milliseconds(duration) / 1000}s`;
}
