import type { Plot } from "./figure";

/** A plot as a Mermaid block, which GitHub renders. Mermaid has no legend: a sentence tells the lines apart. */
export function mermaid(plot: Plot): string {
  const { title, kind, x, xTitle, yTitle, series } = plot;
  const highest = Math.max(...series.flatMap(({ values }) => values));
  return [
    "```mermaid",
    "xychart-beta",
    `  title "${title}"`,
    `  x-axis ${xTitle === undefined ? "" : `"${xTitle}" `}[${x.map((name) => `"${name}"`).join(", ")}]`,
    `  y-axis "${yTitle}" 0 --> ${roundUp(highest)}`,
    ...series.map(({ values }) => `  ${kind} [${values.map((value) => Number(value.toPrecision(3))).join(", ")}]`),
    "```",
    ...(kind === "line" ? ["", legend(plot)] : []),
    "",
  ].join("\n");
}

/** Lines may cross, but at the right end their order is clear. */
function legend({ series }: Plot): string {
  const last = (values: readonly number[]) => values.at(-1) ?? NaN;
  const names = [...series].sort((a, b) => last(b.values) - last(a.values)).map(({ name }) => name);
  return `At the right end, from above: ${names.join(", ")}.`;
}

/** The next higher number with a single nonzero digit. */
function roundUp(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value));
  return Number((Math.ceil(value / step) * step).toPrecision(1));
}
