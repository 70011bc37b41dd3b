import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

interface Workflow {
  on: { schedule?: { cron: string }[] };
  permissions: Record<string, string>;
  jobs: Record<string, { steps: { uses?: string; with?: Record<string, string>; env?: Record<string, string> }[] }>;
}

describe("the workflow that renews", () => {
  const text = readFileSync(join(__dirname, "..", ".github", "workflows", "renew.yml"), "utf8");
  const workflow = parse(text) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  it("updates the stack once a day, which is often enough for the shortest renewal time", () => {
    assert.equal(workflow.on.schedule?.length, 1);
    assert.match(workflow.on.schedule[0]?.cron ?? "", /^\d+ \d+ \* \* \*$/);
    const up = steps.filter(({ with: inputs }) => inputs?.command === "up");
    assert.equal(up.length, 1);
  });

  it("runs actions of one commit each, with no right to write, and no secret in clear", () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    assert.equal(uses.length, 3);
    assert.ok(uses.every((action) => /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action)));
    assert.deepEqual(workflow.permissions, { contents: "read" });
    const values = steps.flatMap(({ env = {} }) => Object.values(env));
    assert.ok(values.length > 0 && values.every((value) => /^\$\{\{ secrets\.\w+ \}\}$/.test(value)));
  });
});
