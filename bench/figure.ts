import type { Cost } from "./clock";
import { bootstrap, type Interval } from "./stats";

/** One line of the table. */
export interface Figure {
  readonly what: string;
  /** A ratio, or milliseconds. */
  readonly unit: "×" | "ms";
  readonly wall: Interval;
  /** Of the commands alone: the servers' is not in it. Undefined where there is no command to count. */
  readonly cpu?: Interval;
  /** The most that the wall time may be. */
  readonly target?: number;
}

/** How much more one cost is than another in each round. */
export function ratio<K extends string>(
  what: string,
  rounds: readonly Record<K, Cost>[],
  over: (round: Record<K, Cost>, key: keyof Cost) => number,
  target?: number,
): Figure {
  const values = (key: keyof Cost) => bootstrap(rounds.map((round) => over(round, key)));
  return { what, unit: "×", wall: values("wallSeconds"), cpu: values("cpuSeconds"), target };
}
