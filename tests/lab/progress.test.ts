import assert from "node:assert/strict";
import { duration, Estimate, Progress } from "../../lab/progress";

describe("lab/progress", () => {
  const recorder = (isTTY: boolean) => {
    const lines: string[] = [];
    return { lines, stream: { isTTY, write: (text: string) => lines.push(text) } };
  };

  it("numbers the steps, and shows the time of each and in total", async () => {
    const { lines, stream } = recorder(false);
    const progress = new Progress("tools", 2, stream);
    assert.equal(await progress.step("etcd", () => Promise.resolve(7)), 7);
    await progress.step("istio", () => Promise.resolve());
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /^tools 1\/2 {2}etcd: done, \d+\.\d s \(\d+\.\d s in all\)\n$/);
    assert.match(lines[1] ?? "", /^tools 2\/2 {2}istio: done/);
  });

  it("reports a failed step, and rethrows its error", async () => {
    const { lines, stream } = recorder(true);
    const progress = new Progress("tools", 1, stream);
    await assert.rejects(
      progress.step("etcd", () => Promise.reject(new Error("no disk"))),
      /no disk/,
    );
    assert.match(lines.at(-1) ?? "", /etcd: failed/);
  });

  it("says how long the rest takes", async () => {
    const { lines, stream } = recorder(true);
    const progress = new Progress("tools", 2, stream, 600);
    await progress.step("etcd", () => Promise.resolve(), 60);
    await progress.step("istio", () => Promise.resolve(), 540);
    assert.match(lines[0] ?? "", /etcd … 0\.0 s, about 10 min left$/);
    assert.match(lines[1] ?? "", /etcd: done, 0\.\d s \(0\.\d s in all, about \d+ s left\)\n$/);
    assert.match(lines.at(-1) ?? "", /istio: done, \d\.\d s \(\d\.\d s in all\)\n$/);
  });

  describe("estimate", () => {
    it("is what was measured, until a step shows how fast this machine is", () => {
      const estimate = new Estimate(600);
      assert.equal(estimate.left(), 600);
      assert.equal(estimate.left(0, 50), 600);
      // A step that was not measured.
      estimate.finish(0, 100);
      assert.equal(estimate.left(20, 5), 595);
      estimate.finish(20, 40);
      assert.equal(estimate.left(), 2 * 580);
      assert.equal(estimate.left(180, 60), 2 * 580 - 60);
      estimate.finish(180, 160);
      assert.equal(estimate.left(), 400);
      estimate.finish(400, 400);
      assert.equal(estimate.left(), undefined);
    });

    it("grows with a step that takes longer than expected", () => {
      const estimate = new Estimate(300);
      assert.equal(estimate.left(100, 100), 200);
      assert.equal(estimate.left(100, 300), 600);
      assert.equal(estimate.left(300, 900), 0);
    });

    it("is rough", () => {
      assert.equal(duration(0), "10 s");
      assert.equal(duration(41), "50 s");
      assert.equal(duration(89), "90 s");
      assert.equal(duration(100), "2 min");
      assert.equal(duration(730), "12 min");
    });
  });
});
