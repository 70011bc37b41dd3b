import assert from "node:assert/strict";
import { isIn, partition } from "../../../components/shared/partition";

const sizes = (...keys: string[]) => new Map(keys.map((key) => [key, 10]));

/** The keys of each range. */
const divided = (given: ReadonlyMap<string, number>, most: number) =>
  partition(given, most).map((range) => [...given.keys()].filter((key) => isIn(range, key)));

describe("components/partition", () => {
  it("leaves keys that fit in one range", () => {
    assert.deepEqual(partition(sizes("a", "b", "c"), 30), [[""]]);
  });

  it("puts each key in exactly one range, none larger than allowed", () => {
    const keys = Array.from({ length: 500 }, (_, index) => `s${(index * 7919) % 1000}--root`);
    const ranges = divided(sizes(...keys), 300);
    assert.deepEqual(ranges.flat().sort(), [...keys].sort());
    assert.ok(ranges.every((range) => range.length <= 30));
    assert.ok(ranges.length < 50, `${ranges.length}`);
  });

  it("tells a key from those that begin with it", () => {
    assert.deepEqual(divided(sizes("a", "a-b", "a-b-c"), 10), [["a"], ["a-b"], ["a-b-c"]]);
  });

  it("leaves a single key that is too large alone", () => {
    const ranges = divided(new Map([...sizes("a", "b"), ["c", 99]]), 20);
    assert.deepEqual(
      ranges.filter((range) => range.length > 0),
      [["a", "b"], ["c"]],
    );
  });

  it("has a range for every other key too", () => {
    const ranges = partition(sizes("a1", "a2", "b1", "b2"), 20);
    for (const key of ["", "-", "a", "a1x", "b2.test:443", "z"]) {
      assert.equal(ranges.filter((range) => isIn(range, key)).length, 1, key);
    }
  });

  it("is cut at the same places with a further key, as long as it fits", () => {
    const keys = ["a1", "a2", "b1", "c1"];
    assert.equal(partition(sizes(...keys), 30).length, 2);
    assert.deepEqual(partition(sizes(...keys, "c2"), 30), partition(sizes(...keys), 30));
  });
});
