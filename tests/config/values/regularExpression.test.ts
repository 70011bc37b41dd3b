import assert from "node:assert/strict";
import { groupCount, regularExpressionFlaw } from "../../../config/values/regularExpression";

describe("config/regularExpression", () => {
  it("accepts what RE2 accepts, whether JavaScript does or not", () => {
    const sound = [
      "/v[0-9]+/.*",
      "(?i)/api",
      "(?i:a)b",
      "(?P<n>a)(?<m>b)",
      "\\pL\\p{Greek}",
      "[[:alpha:]_]",
      "[]a]",
      "[-\\d]",
      "\\x{1F}\\-\\/",
      "a{1000}",
      "(?s).*",
    ];
    assert.deepEqual(
      sound.filter((source) => regularExpressionFlaw(source) !== undefined),
      [],
    );
  });

  it("refuses what RE2 refuses but JavaScript accepts, since Envoy would reject all routes", () => {
    const flawed = [
      "(?=a)",
      "(?<!a)",
      "(a)\\1",
      "a{1001}",
      "[^]",
      "[]",
      "\\u0041",
      "\\cA",
      "\\k",
      "\\_",
      "\\Z",
      "\\xG",
      "\\p{Foo}",
      "[\\b]",
      "(?x)a",
      "[a-\\d]",
    ];
    assert.deepEqual(
      flawed.filter((source) => regularExpressionFlaw(source) === undefined),
      [],
    );
  });

  it("refuses what neither accepts", () => {
    const flawed = ["(", "a)", "[a", "*", "a**", "a\\", "[z-a]", "(?P<n>a)(?P<n>b)"];
    assert.deepEqual(
      flawed.filter((source) => regularExpressionFlaw(source) === undefined),
      [],
    );
  });

  it("counts groups, and only those", () => {
    const counts = { "/a": 0, "/(a)(?:b)(?P<n>(c)|d)": 3, "/\\(a[(]": 0, "(?i)/(a|b)?|(c)": 2, "[[:alpha:](]()": 1 };
    assert.deepEqual(Object.fromEntries(Object.keys(counts).map((source) => [source, groupCount(source)])), counts);
  });
});
