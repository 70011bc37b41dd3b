import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { toolsFolder } from "../lab/paths";
import { PROVIDERS_VARIABLE } from "../lab/tools/providers";
import { scripts } from "../package.json";

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, string | boolean>;
  env?: Record<string, string>;
}

interface Workflow {
  on: { schedule?: { cron: string }[]; pull_request?: null; push?: { branches: string[] } };
  permissions: Record<string, string>;
  concurrency?: unknown;
  jobs: Record<
    string,
    {
      strategy?: { matrix: Record<string, string[]> };
      needs?: string;
      environment?: string;
      permissions?: Record<string, string>;
      steps: Step[];
      "timeout-minutes"?: number;
    }
  >;
}

const FOLDER = join(__dirname, "..", ".github", "workflows");
const textOf = (name: string) => readFileSync(join(FOLDER, name), "utf8");
const read = (name: string) => parse(textOf(name)) as Workflow;
const stepsOf = (workflow: Workflow) => Object.values(workflow.jobs).flatMap((job) => job.steps);
const DAILY = /^\d+ \d+ \* \* \*$/;
const commands = (workflow: Workflow) => stepsOf(workflow).flatMap(({ with: inputs }) => inputs?.command ?? []);

describe("every workflow", () => {
  for (const name of readdirSync(FOLDER)) {
    it(`${name} pins each action to a commit, may only read, has a timeout, and has no secret in the clear`, () => {
      const workflow = read(name);
      const uses = stepsOf(workflow).flatMap((step) => step.uses ?? []);
      assert.ok(uses.length > 0 && uses.every((action) => /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action)));
      assert.deepEqual(workflow.permissions, { contents: "read" });
      assert.ok(workflow.concurrency !== undefined);
      const longest = name === "lab.yml" ? 90 : 30;
      assert.ok(Object.values(workflow.jobs).every((job) => (job["timeout-minutes"] ?? 360) <= longest));
      const tokens = stepsOf(workflow).flatMap(({ env = {} }) => env.PULUMI_ACCESS_TOKEN ?? []);
      assert.equal(tokens.length, commands(workflow).length);
      assert.ok(tokens.every((value) => /^\$\{\{ secrets\.\w+ \}\}$/.test(value)));
    });
  }
});

describe("the workflow that renews", () => {
  it("updates the stack once a day, which is often enough for the shortest renewal time", () => {
    const workflow = read("renew.yml");
    assert.equal(workflow.on.schedule?.length, 1);
    assert.match(workflow.on.schedule[0]?.cron ?? "", DAILY);
    assert.deepEqual(commands(workflow), ["up"]);
  });
});

describe("the workflow of pull requests", () => {
  const workflow = read("pull-request.yml");

  it("has no secrets, and lets only the job write that runs none of the pull request's code", () => {
    assert.doesNotMatch(textOf("pull-request.yml"), /secrets\.|pull_request_target/);
    const writers = Object.entries(workflow.jobs).filter(([, { permissions }]) => permissions !== undefined);
    assert.deepEqual(
      writers.map(([name, { permissions }]) => [name, permissions]),
      [["comment", { "pull-requests": "write" }]],
    );
    const [, comment] = writers[0] ?? [];
    assert.ok(
      comment?.steps.every(({ run, uses = "" }) => run === undefined && uses.startsWith("actions/github-script@")),
    );
  });

  it("passes untrusted input through the environment, never into a script", () => {
    const scripts = stepsOf(workflow).flatMap(({ run, with: inputs }) => [run ?? "", String(inputs?.script ?? "")]);
    assert.ok(scripts.every((script) => !script.includes("${{")));
  });

  it("checks, tests, previews with policies, and edits one comment", () => {
    const runs = stepsOf(workflow).flatMap(({ run }) => run ?? []);
    for (const command of ["npm ci", "npm run check", "npm test"]) {
      assert.ok(runs.includes(command), command);
    }
    assert.ok(runs.some((run) => run.includes("npm run --silent preview -- --base")));
    const script = String(workflow.jobs.comment?.steps[0]?.with?.script ?? "");
    assert.match(script, /createComment/);
    assert.match(script, /updateComment/);
  });
});

describe("the workflow of the lab", () => {
  const workflow = read("lab.yml");

  it("runs every suite of the lab on pull requests, with official plugins or not at all", () => {
    assert.ok("pull_request" in workflow.on);
    assert.doesNotMatch(textOf("lab.yml"), /secrets\.|pull_request_target/);
    const suites = Object.entries(scripts).filter(([, command]) => /--config \.mocharc\.(?!fuzz)/.test(command));
    assert.deepEqual(workflow.jobs.suite?.strategy?.matrix.suite?.toSorted(), suites.map(([name]) => name).sort());
    // Mocha takes a path without a star for a file's name, braces and all.
    const root = join(__dirname, "..");
    for (const [name, command] of suites) {
      const [, file = ""] = /--config (\S+)/.exec(command) ?? [];
      const { spec } = parse(readFileSync(join(root, file), "utf8")) as { spec: string | string[] };
      const missing = [spec].flat().filter((path) => !path.includes("*") && !existsSync(join(root, path)));
      assert.deepEqual(missing, [], name);
    }
    const [suite] = stepsOf(workflow).filter(({ run }) => run === 'npm run "$SUITE"');
    assert.deepEqual(suite?.env, { SUITE: "${{ matrix.suite }}", [PROVIDERS_VARIABLE]: "official" });
  });

  it("keeps the tools where the lab looks for them", () => {
    const [cache] = stepsOf(workflow).filter(({ uses }) => uses?.startsWith("actions/cache@"));
    assert.equal(cache?.with?.path, toolsFolder({}).replace(homedir(), "~"));
  });
});

describe("the workflow that deploys", () => {
  it("updates dev, then prod behind an environment, each with the policies", () => {
    const { on, jobs } = read("deploy.yml");
    assert.deepEqual(on.push?.branches, ["main"]);
    assert.deepEqual(
      Object.entries(jobs).map(([name, { needs, environment, steps }]) => [
        name,
        needs,
        environment,
        steps.flatMap(({ with: inputs }) => (inputs?.command === undefined ? [] : [inputs])),
      ]),
      [
        ["dev", undefined, "dev", [{ command: "up", "stack-name": "dev", policyPacks: "policy" }]],
        ["prod", "dev", "prod", [{ command: "up", "stack-name": "prod", policyPacks: "policy" }]],
      ],
    );
  });
});

describe("the workflow that looks for drift", () => {
  it("previews once a day with a refresh that expects no changes, and keeps one issue per stack", () => {
    const workflow = read("drift.yml");
    assert.equal(workflow.on.schedule?.length, 1);
    assert.match(workflow.on.schedule[0]?.cron ?? "", DAILY);
    const [preview] = stepsOf(workflow).filter(({ with: inputs }) => inputs?.command === "preview");
    assert.equal(preview?.with?.refresh, true);
    assert.equal(preview.with["expect-no-changes"], true);
    assert.deepEqual(workflow.jobs.preview?.permissions, { contents: "read", issues: "write" });
  });
});
