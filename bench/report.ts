import { availableParallelism, loadavg, totalmem } from "node:os";
import type { Figure, Results, Table } from "./figure";
import { mermaid } from "./plot";
import type { Interval } from "./stats";

/** One measurement of one run, as it is stored. */
export interface Part extends Omit<Results, "rounds"> {
  readonly date: string;
  readonly machine: {
    readonly cores: number;
    readonly memoryGiB: number;
    readonly node: string;
    readonly load: number;
  };
  /** Pulumi plugins that the lab's stand-ins replaced. */
  readonly standIns: readonly string[];
  readonly pairs: number;
}

/** The latest part of each measurement, by name. */
export type Report = Readonly<Record<string, Part>>;

export function part({ rounds, ...results }: Results, pairs: number, standIns: readonly string[]): Part {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      load: Math.round(loadavg()[2] ?? 0),
    },
    standIns,
    pairs: rounds ?? pairs,
    ...results,
  };
}

/** The parts as Markdown, in the order of the titles. */
export function pageText(report: Report, titles: Readonly<Record<string, string>>): string {
  return Object.entries(titles)
    .flatMap(([name, title]) => {
      const found = report[name];
      return found === undefined ? [] : [`### ${title}\n\n${partText(found)}`];
    })
    .join("\n");
}

function partText({ date, machine, pairs, standIns, figures, tables = [], plots = [] }: Part): string {
  const { cores, memoryGiB, node, load } = machine;
  const hasCpu = figures.some(({ cpu }) => cpu !== undefined);
  const columns = ["what", ...(hasCpu ? ["wall time", "CPU time"] : ["median"]), "target", ""];
  return [
    `Run on ${date}: ${pairs} ${pairs === 1 ? "round" : "rounds"}; ${cores} cores, ${memoryGiB} GiB, Node ${node}, average load ${load} at its end; stand-ins for the plugins ${standIns.join(", ") || "none"}.`,
    "",
    row(columns),
    row(columns.map(() => "---")),
    ...figures.map((figure) => {
      const { what, unit, value, cpu, target } = figure;
      const cells = [what, shown(value, unit), ...(hasCpu ? [cpu === undefined ? "" : shown(cpu, unit)] : [])];
      return row([...cells, target === undefined ? "" : `≤ ${amount(target, unit)}`, verdict(figure)]);
    }),
    "",
    ...tables.map(tableText),
    ...plots.map(mermaid),
  ].join("\n");
}

function tableText({ title, columns, rows }: Table): string {
  return [title, "", row(columns), row(columns.map(() => "---")), ...rows.map(row), ""].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function verdict({ unit, value, target }: Figure): string {
  if (target === undefined) {
    return "";
  }
  return value.median <= target ? "met" : `missed by ${amount(value.median - target, unit)}`;
}

function shown({ median, low, high }: Interval, unit: Figure["unit"]): string {
  return `${amount(median, unit)} (${number(low)}–${number(high)})`;
}

function amount(value: number, unit: Figure["unit"]): string {
  return unit === "×" ? `${number(value)}×` : `${number(value)} ${unit}`;
}

function number(value: number): string {
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1);
}

const START = "<!-- bench: start -->\n";
const END = "<!-- bench: end -->";

/** The page with the text between the markers. */
export function withText(page: string, text: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) {
    throw new Error(`the page has no markers for the figures: ${START.trim()}, ${END}`);
  }
  return `${page.slice(0, start + START.length)}\n${text}\n${page.slice(end)}`;
}
