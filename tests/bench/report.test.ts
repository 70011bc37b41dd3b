import assert from "node:assert/strict";
import { table, withTable, type Report } from "../../bench/report";

const made: Report = {
  date: "2026-01-31",
  machine: { cores: 2, memoryGiB: 4, node: "v20.0.0", load: 3 },
  standIns: ["tls"],
  pairs: 5,
  figures: [
    { what: "quick", unit: "×", wall: { median: 1.25, low: 1.2, high: 1.3 }, target: 1.3 },
    {
      what: "slow",
      unit: "ms",
      wall: { median: 12.34, low: 1, high: 20 },
      cpu: { median: 5, low: 4, high: 6 },
      target: 3,
    },
    { what: "untold", unit: "×", wall: { median: 2, low: 2, high: 2 } },
  ],
};

describe("bench/report", () => {
  it("tells how the figures came about, and which target is met or missed, by how much", () => {
    const [head = "", , , , ...rows] = table(made).trim().split("\n");
    assert.match(head, /2026-01-31: 5 pairs; 2 cores, 4 GiB, Node v20\.0\.0, average load 3 .* stand-ins .* tls\.$/);
    assert.deepEqual(rows, [
      "| quick | 1.25× (1.20–1.30) |  | ≤ 1.30× | met |",
      "| slow | 12.3 ms (1.00–20.0) | 5.00 ms (4.00–6.00) | ≤ 3.00 ms | missed by 9.34 ms |",
      "| untold | 2.00× (2.00–2.00) |  |  |  |",
    ]);
  });

  it("takes the place of an earlier table, and of nothing else", () => {
    const page = (text: string) => `before\n<!-- bench: start -->\n${text}<!-- bench: end -->\nafter\n`;
    const first = withTable(page(""), "one");
    assert.equal(first, page("\none\n"));
    assert.equal(withTable(first, "two"), page("\ntwo\n"));
    assert.throws(() => withTable("no place", "one"), /no place for the table/);
  });
});
