const MILLISECONDS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** A Gateway API duration such as `1m30s`, in milliseconds. */
export function milliseconds(duration: string): number {
  return [...duration.matchAll(/([0-9]+)(h|ms|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS],
    0,
  );
}

/** The same in Prometheus' form, largest unit first and each once: `1s1m` is `1m1s`. */
export function prometheusDuration(duration: string): string {
  let rest = milliseconds(duration);
  const parts = Object.entries(MILLISECONDS).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? "" : `${count}${unit}`;
  });
  return parts.join("");
}

/** The same in the form that protobuf's JSON takes, which knows seconds alone: `90s`, `0.5s`. */
export function protoDuration(duration: string): string {
  return `${milliseconds(duration) / 1000}s`;
}
