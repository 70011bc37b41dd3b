import assert from "node:assert/strict";
import { bootstrap, median } from "../../bench/stats";

describe("bench/stats", () => {
  it("takes the middle value, or the mean of the two", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([10, 9]), 9.5);
    assert.throws(() => median([]), RangeError);
  });

  it("returns bounds that contain the median, the same every time", () => {
    const values = Array.from({ length: 101 }, (_, index) => index);
    const { median: middle, low, high } = bootstrap(values);
    assert.equal(middle, 50);
    // The exact interval of a median of 101 values runs from the 41st to the 61st.
    assert.ok(low >= 36 && low <= 44, String(low));
    assert.ok(high >= 56 && high <= 64, String(high));
    assert.deepEqual(bootstrap(values), { median: middle, low, high });
  });

  it("gives no spread for a single value", () => {
    assert.deepEqual(bootstrap([7]), { median: 7, low: 7, high: 7 });
    assert.deepEqual(bootstrap([1, 2, 3]), { median: 2, low: 1, high: 3 });
  });
});
