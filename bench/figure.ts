import type { Cost } from "./clock";
import { bootstrap, type Interval } from "./stats";

/** One row of a table. */
export interface Figure {
  readonly what: string;
  /** A ratio, or an amount. */
  readonly unit: "×" | "ms" | "KiB";
  /** Wall time, if a command was measured. */
  readonly value: Interval;
  /** CPU time of a command, without the servers'. Undefined if no command was measured. */
  readonly cpu?: Interval;
  /** Upper limit for the value. */
  readonly target?: number;
}

/** Results of a measurement. */
export interface Results {
  readonly figures: readonly Figure[];
  /** All measured values by round, so that figures can be recomputed. */
  readonly samples: Readonly<Record<string, readonly object[]>>;
  readonly tables?: readonly Table[];
  readonly plots?: readonly Plot[];
  /** Number of rounds, if it does not come from the command line. */
  readonly rounds?: number;
}

/** Further values, which no target applies to. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Plot {
  readonly title: string;
  /** A bar plot has one series. */
  readonly kind: "bar" | "line";
  /** Labels on the x-axis. */
  readonly x: readonly string[];
  readonly xTitle?: string;
  readonly yTitle: string;
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Ratio of two costs in each round. */
export function ratio<K extends string>(
  what: string,
  rounds: readonly Record<K, Cost>[],
  over: (round: Record<K, Cost>, key: keyof Cost) => number,
  target?: number,
): Figure {
  const values = (key: keyof Cost) => bootstrap(rounds.map((round) => over(round, key)));
  return { what, unit: "×", value: values("wallSeconds"), cpu: values("cpuSeconds"), target };
}

/** Cost of each additional service. @param over Cost of all `further` services together in each round. */
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
