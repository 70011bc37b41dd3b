import assert from "node:assert/strict";
import { sameContent } from "../../../config/values/sameContent";

describe("config/sameContent", () => {
  it("ignores the order of keys, and keys that are undefined, at any depth", () => {
    assert.ok(sameContent({ a: 1, b: { c: [2], d: 3 } }, { b: { d: 3, c: [2] }, a: 1 }));
    assert.ok(sameContent({ a: { b: undefined } }, { a: {} }));
    assert.ok(sameContent(undefined, undefined));
  });

  it("tells values, their types, their order in lists, and missing ones apart", () => {
    assert.ok(!sameContent({ a: 1 }, { a: "1" }));
    assert.ok(!sameContent([1, 2], [2, 1]));
    assert.ok(!sameContent({ a: false }, {}));
    assert.ok(!sameContent(undefined, {}));
  });
});
