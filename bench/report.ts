import { availableParallelism, loadavg, totalmem } from "node:os";
import type { Figure } from "./figure";
import type { Interval } from "./stats";

/** Results of one run, as they are kept. */
export interface Report {
  readonly date: string;
  readonly machine: {
    readonly cores: number;
    readonly memoryGiB: number;
    readonly node: string;
    readonly load: number;
  };
  /** Whether the plugins of Pulumi are the lab's stand-ins. */
  readonly standIns: readonly string[];
  readonly pairs: number;
  readonly figures: readonly Figure[];
}

export function report(figures: readonly Figure[], pairs: number, standIns: readonly string[]): Report {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      load: Math.round(loadavg()[2] ?? 0),
    },
    standIns,
    pairs,
    figures,
  };
}

/** The figures as Markdown. */
export function table({ date, machine, pairs, standIns, figures }: Report): string {
  const { cores, memoryGiB, node, load } = machine;
  return [
    `Run on ${date}: ${pairs} pairs; ${cores} cores, ${memoryGiB} GiB, Node ${node}, average load ${load} at its end; stand-ins for the plugins ${standIns.join(", ") || "none"}.`,
    "",
    "| what | wall time | CPU time | target | |",
    "| --- | --- | --- | --- | --- |",
    ...figures.map((figure) => {
      const { what, unit, wall, cpu, target } = figure;
      const cells = [what, shown(wall, unit), cpu === undefined ? "" : shown(cpu, unit)];
      return `| ${[...cells, target === undefined ? "" : `≤ ${amount(target, unit)}`, verdict(figure)].join(" | ")} |`;
    }),
    "",
  ].join("\n");
}

function verdict({ unit, wall, target }: Figure): string {
  if (target === undefined) {
    return "";
  }
  return wall.median <= target ? "met" : `missed by ${amount(wall.median - target, unit)}`;
}

function shown({ median, low, high }: Interval, unit: Figure["unit"]): string {
  return `${amount(median, unit)} (${number(low)}–${number(high)})`;
}

function amount(value: number, unit: Figure["unit"]): string {
  return unit === "×" ? `${number(value)}×` : `${number(value)} ms`;
}

function number(value: number): string {
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1);
}

const START = "<!-- bench: start -->\n";
const END = "<!-- bench: end -->";

/** A page with the table in its place. */
export function withTable(page: string, text: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) {
    throw new Error(`the page has no place for the table: ${START.trim()}, ${END}`);
  }
  return `${page.slice(0, start + START.length)}\n${text}\n${page.slice(end)}`;
}
