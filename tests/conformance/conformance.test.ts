import assert from "node:assert/strict";
import { DEFAULT_ISTIO } from "../../lab/tools/catalogue";
import { theLab } from "../e2e/support/lab";
import { DIFFERENCES, OTHER_FEATURES, PROVISIONAL, PUBLISHED } from "./expected";
import { compare, table } from "./support/compare";
import { LONGEST_RUN_MS, runSuite } from "./support/suite";

/** Longest time to build the suite. Unit: milliseconds. */
const FIRST_BUILD_MS = 30 * 60_000;

const EXPECTED = { published: PUBLISHED, provisional: PROVISIONAL, differences: DIFFERENCES };

describe("Gateway API conformance", () => {
  it("has the result that Istio published", async function () {
    this.timeout(FIRST_BUILD_MS + LONGEST_RUN_MS);
    const lab = theLab();
    assert.equal(lab.tools.istio, DEFAULT_ISTIO, "the suite is that of the default Istio's Gateway API");
    const report = await runSuite(lab, PUBLISHED, OTHER_FEATURES);
    console.info(table(report, EXPECTED).replace(/^/gm, "    "));
    assert.deepEqual(compare(report, EXPECTED), []);
  });
});
