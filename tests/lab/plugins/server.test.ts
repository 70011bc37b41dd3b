import assert from "node:assert/strict";
import { changedInputs, hasSecret, pathText, plain, secret } from "../../../lab/plugins/server";

describe("lab/plugins/server", () => {
  it("reports differing paths in Pulumi's notation", () => {
    const paths = (before: object, after: object) =>
      Object.keys(changedInputs({ ...before }, { ...after }, () => false));
    assert.deepEqual(paths({ a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 3 }] }), ["b[1].c"]);
    assert.deepEqual(paths({ a: { "x.y/z": 1 } }, { a: {} }), ['a["x.y/z"]']);
    assert.deepEqual(paths({ a: [] }, { a: {} }), ["a"]);
    assert.deepEqual(paths({}, {}), []);
    assert.equal(pathText(["a", "b-c", "d/e", 'f"', 0]), 'a.b-c.d/e["f\\""][0]');
  });

  it("tells additions from deletions, and compares secrets by value", () => {
    const change = (kind: string) => ({ kind, replace: true, inputDiff: true });
    const before = { gone: 1, same: secret("a"), other: secret("a") };
    const after = { fresh: 1, same: "a", other: secret("b") };
    assert.deepEqual(
      changedInputs(before, after, () => true),
      {
        gone: change("delete"),
        other: change("update"),
        fresh: change("add"),
      },
    );
  });

  it("finds secrets and takes their marks away, at any depth", () => {
    const value = { list: [{ deep: secret({ key: secret("x") }) }] };
    assert.ok(hasSecret(value));
    assert.deepEqual(plain(value), { list: [{ deep: { key: "x" } }] });
    assert.ok(!hasSecret(plain(value)));
  });
});
