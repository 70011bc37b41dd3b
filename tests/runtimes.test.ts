import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { engines as sdkEngines } from "@pulumi/pulumi/package.json";
import { parse } from "yaml";
import { machineProblems } from "../lab/machine";
import { dependencies, engines } from "../package.json";
import { NODE, PULUMI_SDK } from "./runtimes/versions";

const ROOT = join(__dirname, "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

const [, oldest = "", oldestMajor = ""] = /^>=((\d+)\.\d+)$/.exec(engines.node) ?? [];
const [newestMajor = ""] = NODE.split(".");

describe("the versions of Node and the Pulumi SDK", () => {
  it("are the same in package.json, the tests and README.md", () => {
    assert.ok(oldest !== "" && newestMajor !== "");
    const tested =
      /Node ≥ (\S+) is supported\. Tested: Node (\d+) and Node (\d+) with `@pulumi\/pulumi` ([\d.]+), .*, and Node (\d+) with ([\d.]+)$/m;
    const [, ...named] = tested.exec(read("README.md")) ?? [];
    const sdk = dependencies["@pulumi/pulumi"];
    assert.deepEqual(named, [oldest, oldestMajor, newestMajor, sdk, newestMajor, PULUMI_SDK]);
  });

  it("are in every document that names the oldest Node", () => {
    for (const page of ["README.md", "CONTRIBUTING.md"]) {
      const named = [...read(page).matchAll(/Node ≥ (\d[\d.]*\d)/g)].map(([, version]) => version);
      assert.ok(page !== "README.md" || named.length > 0);
      assert.ok(
        named.every((version) => version === oldest),
        page,
      );
    }
  });

  it("are those that the lab asks for, and the devcontainer brings", async () => {
    const problems = (nodeVersion: string) =>
      machineProblems(
        {
          platform: "linux",
          architecture: "x64",
          nodeVersion,
          succeeds: () => Promise.resolve(true),
          freeGib: () => 100,
        },
        false,
      );
    const [major = 0, minor = 0] = oldest.split(".").map(Number);
    assert.deepEqual(await problems(`${oldest}.0`), []);
    assert.deepEqual(await problems(NODE), []);
    assert.match((await problems(`${major}.${minor - 1}.0`)).join("\n"), new RegExp(`install Node ${oldest} or newer`));
    assert.match(read(".devcontainer/devcontainer.json"), new RegExp(`typescript-node:[\\d.]+-${oldestMajor}-`));
  });

  it("run in the workflows: the oldest Node, and in the checks both", () => {
    const folder = join(".github", "workflows");
    const found = readdirSync(join(ROOT, folder)).flatMap((file) => {
      const { jobs } = parse(read(join(folder, file))) as { jobs: Record<string, Job> };
      return Object.entries(jobs).flatMap(([name, { strategy, steps }]) =>
        steps
          .filter(({ uses }) => uses?.startsWith("actions/setup-node@"))
          .flatMap(({ with: inputs }) =>
            inputs?.["node-version"] === "${{ matrix.node }}"
              ? [`${file} ${name}: ${String(strategy?.matrix.node?.join(", "))}`]
              : [`${file}: ${String(inputs?.["node-version"])}`],
          ),
      );
    });
    const others = found.filter((line) => !line.endsWith(`.yml: ${oldestMajor}`));
    assert.deepEqual(others, [`pull-request.yml check: ${oldestMajor}, ${newestMajor}`]);
  });

  it("fit each other: the SDK that is installed accepts this Node", () => {
    const [, major = ""] = /^>=(\d+)$/.exec(sdkEngines.node) ?? [];
    assert.ok(major !== "" && Number(process.versions.node.split(".")[0]) >= Number(major), sdkEngines.node);
  });
});

interface Job {
  strategy?: { matrix: Record<string, (string | number)[] | undefined> };
  steps: { uses?: string; with?: Record<string, string | number | boolean> }[];
}
