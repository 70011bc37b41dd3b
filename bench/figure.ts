import type { Cost } from "./clock";
import { bootstrap, type Interval } from "./stats";

/** One line of a table. */
export interface Figure {
  readonly what: string;
  /** A ratio, or an amount. */
  readonly unit: "×" | "ms" | "KiB";
  /** Wall time, where it is that of a command. */
  readonly value: Interval;
  /** CPU time of a command: the servers' is not in it. Undefined where there is no command to count. */
  readonly cpu?: Interval;
  /** The most that the value may be. */
  readonly target?: number;
}

/** What a measurement gives. */
export interface Results {
  readonly figures: readonly Figure[];
  /** Everything that was measured, round by round, so that figures can be made anew. */
  readonly samples: Readonly<Record<string, readonly object[]>>;
  readonly plots?: readonly Plot[];
  /** How often it was measured, where the command line does not say. */
  readonly rounds?: number;
}

export interface Plot {
  readonly title: string;
  /** Bars have one series. */
  readonly kind: "bar" | "line";
  /** Names of the places on the x-axis. */
  readonly x: readonly string[];
  readonly xTitle?: string;
  readonly yTitle: string;
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** How much more one cost is than another in each round. */
export function ratio<K extends string>(
  what: string,
  rounds: readonly Record<K, Cost>[],
  over: (round: Record<K, Cost>, key: keyof Cost) => number,
  target?: number,
): Figure {
  const values = (key: keyof Cost) => bootstrap(rounds.map((round) => over(round, key)));
  return { what, unit: "×", value: values("wallSeconds"), cpu: values("cpuSeconds"), target };
}

/** What each further service takes. @param over What so many `further` services take together in each round. */
export function growth<K extends string>(
  what: string,
  rounds: readonly Record<K, Cost>[],
  further: number,
  over: (round: Record<K, Cost>, key: keyof Cost) => number,
  target?: number,
): Figure {
  const values = (key: keyof Cost) => bootstrap(rounds.map((round) => (1000 * over(round, key)) / further));
  return { what, unit: "ms", value: values("wallSeconds"), cpu: values("cpuSeconds"), target };
}
