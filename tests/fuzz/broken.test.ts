import assert from "node:assert/strict";
import fc from "fast-check";
import { loadConfig } from "../../config/load/load";
import { ConfigError, formatProblem } from "../../config/values/problem";
import { Draw } from "./support/draw";
import { material } from "./support/material";
import { broken } from "./support/mutations";
import { parameters } from "./support/runs";
import { leaks } from "./support/soundness";
import { drawStack, type Given } from "./support/stack";

describe("broken configs", () => {
  it("are refused with the mistake's key path and what is expected, and reveal no secret", async function () {
    this.timeout(0);
    const made = await material();
    fc.assert(
      fc.property(fc.gen(), (generate) => {
        const draw = new Draw(generate);
        const { given, path, isAlone } = broken(draw, drawStack(draw, made.authority), made);
        const { problems, message } = refusal(given, path);
        const text = problems.map((problem) => formatProblem("istio-gateway", problem)).join("\n");
        assert.ok(
          problems.some((problem) => problem.path.startsWith(path)),
          `nothing about ${path} in:\n${text}`,
        );
        assert.ok(!isAlone || problems.length === 1, `more than ${path} in:\n${text}`);
        const vague = problems.filter(({ expected }) => !/\w/.test(expected) || VAGUE.test(expected));
        assert.deepEqual(vague, [], path);
        assert.deepEqual(leaks(message), [], path);
      }),
      parameters(),
    );
  });
});

/** Wording that only a program would use. */
const VAGUE = /undefined|\[object|function|Invalid input|expected string|expected number|Too (big|small)|native code/;

function refusal(given: Given, path: string): ConfigError {
  try {
    loadConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error;
    }
    throw error;
  }
  throw new Error(`taken, though ${path} is wrong: ${JSON.stringify(given.values)}`);
}
