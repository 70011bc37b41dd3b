import assert from "node:assert/strict";
import type { Plot } from "../../bench/figure";
import { mermaid } from "../../bench/plot";
import { pageText, part, withText, type Part } from "../../bench/report";

const commands: Part = {
  date: "2026-01-31",
  machine: { cores: 2, memoryGiB: 4, node: "v20.0.0", load: 3 },
  standIns: ["tls"],
  pairs: 5,
  figures: [
    { what: "quick", unit: "×", value: { median: 1.25, low: 1.2, high: 1.3 }, target: 1.3 },
    {
      what: "slow",
      unit: "ms",
      value: { median: 12.34, low: 1, high: 20 },
      cpu: { median: 5, low: 4, high: 6 },
      target: 3,
    },
    { what: "untold", unit: "×", value: { median: 2, low: 2, high: 2 } },
  ],
  samples: {},
};
const amounts: Part = {
  ...commands,
  date: "2026-02-01",
  pairs: 1,
  figures: [{ what: "memory", unit: "KiB", value: { median: 20.5, low: 20.5, high: 20.5 } }],
};

describe("bench/report", () => {
  it("says how the figures were measured, and which targets are met or missed, by how much", () => {
    const [title, , head = "", , , , ...rows] = pageText({ commands }, { commands: "Commands" }).trim().split("\n");
    assert.equal(title, "### Commands");
    assert.match(head, /2026-01-31: 5 rounds; 2 cores, 4 GiB, Node v20\.0\.0, average load 3 .* stand-ins .* tls\.$/);
    assert.deepEqual(rows, [
      "| quick | 1.25× (1.20–1.30) |  | ≤ 1.30× | met |",
      "| slow | 12.3 ms (1.00–20.0) | 5.00 ms (4.00–6.00) | ≤ 3.00 ms | missed by 9.34 ms |",
      "| untold | 2.00× (2.00–2.00) |  |  |  |",
    ]);
  });

  it("has a CPU time column only if it was measured", () => {
    const rows = pageText({ amounts }, { amounts: "Amounts" })
      .split("\n")
      .filter((line) => line.startsWith("|"));
    assert.deepEqual(rows, [
      "| what | median | target |  |",
      "| --- | --- | --- | --- |",
      "| memory | 20.5 KiB (20.5–20.5) |  |  |",
    ]);
  });

  it("shows tables after the figures", () => {
    const tables = [{ title: "More.", columns: ["a", "b"], rows: [["1", "2"]] }];
    const lines = pageText({ part: { ...amounts, tables } }, { part: "Part" })
      .trim()
      .split("\n");
    assert.deepEqual(lines.slice(-6), ["", "More.", "", "| a | b |", "| --- | --- |", "| 1 | 2 |"]);
  });

  it("shows each measured part with its own date, in the order of the titles", () => {
    const text = pageText({ amounts, commands }, { commands: "Commands", missing: "Missing", amounts: "Amounts" });
    const shown = text.split("\n").filter((line) => /^###|^Run on/.test(line));
    assert.deepEqual(
      shown.map((line) => line.replace(/;.*/, "")),
      ["### Commands", "Run on 2026-01-31: 5 rounds", "### Amounts", "Run on 2026-02-01: 1 round"],
    );
  });

  it("keeps the samples and the number of rounds", () => {
    const results = { figures: [], samples: { some: [{ a: 1 }] } };
    const made = part(results, 7, []);
    assert.equal(made.pairs, 7);
    assert.deepEqual(made.samples, { some: [{ a: 1 }] });
    assert.equal(part({ ...results, rounds: 1 }, 7, []).pairs, 1);
  });

  it("replaces an earlier text, and nothing else", () => {
    const page = (text: string) => `before\n<!-- bench: start -->\n${text}<!-- bench: end -->\nafter\n`;
    const first = withText(page(""), "one");
    assert.equal(first, page("\none\n"));
    assert.equal(withText(first, "two"), page("\ntwo\n"));
    assert.throws(() => withText("no place", "one"), /no markers for the figures/);
  });
});

describe("bench/plot", () => {
  const line: Plot = {
    title: "preview",
    kind: "line",
    x: ["3", "10"],
    xTitle: "services",
    yTitle: "seconds",
    series: [
      { name: "low", values: [5, 1.23456] },
      { name: "high", values: [2, 31.4] },
    ],
  };

  it("draws lines, and says which is which", () => {
    assert.deepEqual(mermaid(line).trim().split("\n"), [
      "```mermaid",
      "xychart-beta",
      '  title "preview"',
      '  x-axis "services" ["3", "10"]',
      '  y-axis "seconds" 0 --> 40',
      "  line [5, 1.23]",
      "  line [2, 31.4]",
      "```",
      "",
      "At the right end, from above: high, low.",
    ]);
  });

  it("draws bars without a legend", () => {
    const bar: Plot = {
      title: "p99",
      kind: "bar",
      x: ["a", "b"],
      yTitle: "ms",
      series: [{ name: "p99", values: [0.5, 0.05] }],
    };
    assert.deepEqual(mermaid(bar).trim().split("\n").slice(3), [
      '  x-axis ["a", "b"]',
      '  y-axis "ms" 0 --> 0.5',
      "  bar [0.5, 0.05]",
      "```",
    ]);
  });
});
