import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { childrenOf, identify, isAlive } from "../../lab/namespaces";
import { eventually } from "../../lab/processes";
import { randomNumbers } from "../faults/support/random";

describe("lab/namespaces", () => {
  it("treats an exited process as dead, even if nobody has reaped it", async () => {
    // The second sleep is the parent of the first, and never reaps it.
    const parent = spawn("sh", ["-c", "sleep 0.5 & exec sleep 30"]);
    try {
      const pid = parent.pid ?? 0;
      const child = await eventually("the child", 5_000, () => {
        const [first] = childrenOf(pid);
        return first === undefined ? Promise.reject(new Error("none")) : Promise.resolve(identify(first));
      });
      assert.equal(isAlive(child), true);
      await eventually("its end", 8_000, () => {
        assert.equal(isAlive(child), false);
        return Promise.resolve();
      });
      assert.deepEqual(childrenOf(pid), [child.pid], "it is a zombie");
      assert.equal(isAlive(identify(pid)), true);
    } finally {
      parent.kill("SIGKILL");
    }
  });
});

describe("tests/faults/support/random", () => {
  it("repeats the numbers of a seed, and spreads them evenly", () => {
    const some = (seed: number) => Array.from({ length: 1000 }, randomNumbers(seed));
    assert.deepEqual(some(7), some(7));
    assert.notDeepEqual(some(7), some(8));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = some(7).filter((number) => Math.floor(number * 10) === tenth).length;
      assert.ok(share > 60 && share < 140, `${share} of 1000 in tenth ${tenth}`);
    }
  });
});
