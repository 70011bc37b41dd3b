const MILLISECONDS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const DAY = 24 * MILLISECONDS.h;

/** Durations in the config: those of the Gateway API (GEP-2257), plus days. */
export const DURATION = /^([0-9]{1,5}(d|h|m|s|ms)){1,4}$/;

/** A duration such as `1m30s`, in milliseconds. */
export function milliseconds(duration: string): number {
  return [...duration.matchAll(/([0-9]+)(d|h|ms|m|s)/g)].reduce(
    (sum, [, count, unit]) =>
      sum + Number(count) * (unit === "d" ? DAY : MILLISECONDS[unit as keyof typeof MILLISECONDS]),
    0,
  );
}

/** The same in seconds. */
export function seconds(duration: string): number {
  return milliseconds(duration) / 1000;
}

/** The same in whole hours. */
export function hours(duration: string): number {
  return Math.floor(milliseconds(duration) / MILLISECONDS.h);
}

/** The same for the Gateway API, which has no days: `1d12h` is `36h`. A duration without days is unchanged. */
export function withoutDays(duration: string): string {
  return duration.includes("d") ? prometheusDuration(duration) || "0s" : duration;
}

/** The same for humans: in days if it is a whole number of them. `2160h` is `90d`. */
export function inDays(duration: string): string {
  const days = milliseconds(duration) / DAY;
  return days > 0 && Number.isInteger(days) ? `${days}d` : duration;
}

/** The same for Prometheus, largest unit first and each unit once: `1s1m` is `1m1s`. */
export function prometheusDuration(duration: string): string {
  let rest = milliseconds(duration);
  const parts = Object.entries(MILLISECONDS).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? "" : `${count}${unit}`;
  });
  return parts.join("");
}

/** The same for protobuf's JSON, which has only seconds: `90s`, `0.5s`. */
export function protoDuration(duration: string): string {
  return `${seconds(duration)}s`;
}
