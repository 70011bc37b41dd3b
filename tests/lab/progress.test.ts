import assert from "node:assert/strict";
import { Progress } from "../../lab/progress";

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
});
