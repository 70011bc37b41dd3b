import assert from "node:assert/strict";
import { DIFFERENCES, PROVISIONAL, PUBLISHED, type Difference } from "../conformance/expected";
import { compare, table, type Report } from "../conformance/support/compare";

const report: Report = {
  profiles: [
    {
      name: "P",
      core: { statistics: { Passed: 2, Failed: 1, Skipped: 0 }, failedTests: ["A"] },
      extended: { statistics: { Passed: 1, Failed: 0, Skipped: 1 }, skippedTests: ["B"], supportedFeatures: ["F"] },
    },
  ],
  succeededProvisionalTests: ["C"],
};
const difference = (result: Difference["result"], level: Difference["level"]): Difference => ({
  result,
  level,
  profiles: ["P"],
  reason: "the lab lacks it",
});
const expected = {
  published: { P: { core: 3, extended: 2, features: ["F"] } },
  provisional: ["A", "C"],
  differences: { A: difference("failed", "core"), B: difference("skipped", "extended") },
};

describe("tests/conformance", () => {
  it("accepts a result whose differences are all listed", () => {
    assert.deepEqual(compare(report, expected), []);
  });

  it("finds a difference that is not listed, and one that is no longer there", () => {
    assert.deepEqual(compare(report, { ...expected, differences: {} }), [
      "P core, failed: A is not expected",
      "P core: 2 tests passed, expected 3",
      "P extended, skipped: B is not expected",
      "P extended: 1 tests passed, expected 2",
      "provisional tests that passed: A is expected",
    ]);
    const more = { ...expected.differences, D: difference("failed", "core") };
    assert.deepEqual(compare(report, { ...expected, differences: more }), [
      "P core, failed: D is expected",
      "P core: 2 tests passed, expected 1",
    ]);
  });

  it("finds other profiles, figures, features and provisional tests", () => {
    const published = { P: { core: 4, extended: 2, features: ["G"] }, Q: { core: 0, extended: 0, features: [] } };
    assert.deepEqual(compare(report, { ...expected, published, provisional: ["A"] }), [
      "profiles: Q is expected",
      "P core: 2 tests passed, expected 3",
      "P, extended features: F is not expected",
      "P, extended features: G is expected",
      "provisional tests that passed: C is not expected",
    ]);
  });

  it("shows each level beside Istio's figure, and each difference with its reason", () => {
    assert.deepEqual(
      table(report, expected)
        .split("\n")
        .map((line) => line.trim().split(/ {2,}/)),
      [
        ["Istio's", "passed", "failed", "skipped"],
        ["P core", "3", "2", "1", "0"],
        ["P extended", "2", "1", "0", "1"],
        ["A failed: the lab lacks it"],
        ["B skipped: the lab lacks it"],
      ],
    );
  });

  it("names only differences of profiles that it compares", () => {
    for (const [test, { profiles }] of Object.entries(DIFFERENCES)) {
      assert.ok(profiles.length > 0 && profiles.every((profile) => profile in PUBLISHED), test);
    }
    assert.deepEqual(
      PROVISIONAL.filter((test) => test.startsWith("Mesh")),
      [],
    );
  });
});
