import assert from "node:assert/strict";
import { assertCounters, assertScrape } from "../e2e/support/rejects";

const RDS = "http.outbound_0.0.0.0_443;.rds.https.443.default.edge.gateways";
const STATS = [
  "cluster_manager.cds.update_rejected: 0",
  "cluster_manager.cds.update_success: 3",
  "listener_manager.lds.update_rejected: 0",
  "listener_manager.lds.update_success: 2",
  `${RDS}.update_rejected: 0`,
  `${RDS}.update_success: 1`,
];
const SCRAPE = ['pilot_xds_pushes{type="rds"} 4', 'pilot_total_xds_rejects{type="rds"} 0'];

const stats = (lines: readonly string[]) => assertCounters(lines.join("\n"));
const scrape = (lines: readonly string[]) => assertScrape(lines.join("\n"));

describe("tests/e2e/support/rejects", () => {
  it("passes if everything was accepted", () => {
    stats(STATS);
    scrape(SCRAPE);
    scrape(SCRAPE.slice(0, 1));
  });

  it("detects each kind of reject, and updates that were never accepted", () => {
    STATS.forEach((line, index) => {
      const changed = line.endsWith(": 0") ? line.replace(/0$/, "1") : line.replace(/\d+$/, "0");
      assert.throws(() => stats(STATS.with(index, changed)), assert.AssertionError, changed);
    });
    assert.throws(() => scrape([SCRAPE[0] ?? "", 'pilot_total_xds_rejects{type="rds"} 1']), assert.AssertionError);
  });

  it("does not mistake missing counters for zero", () => {
    STATS.filter((line) => !line.startsWith(`${RDS}.update_success`)).forEach((line) => {
      assert.throws(() => stats(STATS.filter((other) => other !== line)), assert.AssertionError, line);
    });
    for (const lines of [[], [""], ['pilot_xds_pushes{type="rds"} 0'], SCRAPE.slice(1)]) {
      assert.throws(() => scrape(lines), assert.AssertionError);
    }
  });
});
