import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { machineProblems, memoryProblem, type Machine } from "../../lab/machine";

const GOOD: Machine = {
  platform: "linux",
  architecture: "x64",
  nodeVersion: "20.19.0",
  succeeds: () => Promise.resolve(true),
  freeGib: () => 100,
};

/** A machine on which calls to one program fail. */
const without = (program: string, flag?: string): Machine => ({
  ...GOOD,
  succeeds: (command, args) => Promise.resolve(command !== program || (flag !== undefined && !args.includes(flag))),
});

describe("lab/machine", () => {
  const one = async (machine: Machine, pattern: RegExp, cached = false) => {
    const problems = await machineProblems(machine, cached);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", pattern);
    assert.ok(!problems[0]?.includes("\n"));
  };

  it("finds no problem on a suitable machine", async () => {
    assert.deepEqual(await machineProblems(GOOD, false), []);
  });

  it("says in one line what is missing, and how to fix it", async () => {
    await one({ ...GOOD, platform: "darwin" }, /runs on Linux/);
    await one({ ...GOOD, nodeVersion: "18.20.0" }, /install Node 20\.19/);
    await one({ ...GOOD, nodeVersion: "20.18.3" }, /install Node 20\.19/);
    await one(without("ip"), /apt-get install iproute2/);
    await one(without("nsenter"), /apt-get install util-linux/);
    await one(without("openssl"), /apt-get install openssl/);
    await one(without("python3"), /Python 3\.9 or newer with venv is missing: apt-get install/);
    await one(without("unshare", "-r"), /user namespaces are not allowed: sysctl/);
    await one({ ...GOOD, freeGib: () => 3 }, /3\.0 GiB are free.*8 are needed.*ISTIO_GATEWAY_CACHE/);
  });

  it("needs less disk space once the tools are cached", async () => {
    assert.deepEqual(await machineProblems({ ...without("python3"), freeGib: () => 3 }, true), []);
    await one({ ...GOOD, freeGib: () => 0.5 }, /1 are needed/, true);
  });

  it("lists several problems at once", async () => {
    assert.equal((await machineProblems({ ...without("curl"), freeGib: () => 0 }, false)).length, 2);
  });

  it("needs what README.md says", async () => {
    const bare = { ...GOOD, succeeds: () => Promise.resolve(false), freeGib: () => 0 };
    const problems = (await machineProblems(bare, false)).join("\n");
    const packages = [...problems.matchAll(/^\w+ is missing: apt-get install (\S+)$/gm)].map(([, name = ""]) => name);
    assert.ok(packages.length >= 4);
    const [, gib] = /, (\d+) are needed/.exec(problems) ?? [];
    const [, setting] = /Ubuntu: ([^)]+)\)/.exec(problems) ?? [];
    const text = readFileSync(join(__dirname, "..", "..", "README.md"), "utf8");
    for (const need of [...packages, "Python ≥ 3.9 with venv", `${gib} GiB of free disk`, `sysctl -w ${setting}`]) {
      assert.ok(text.includes(need), need);
    }
  });

  it("says if there is too little memory to build, with what could be swapped", () => {
    const meminfo = (availableKib: number, swapKib: number) =>
      `MemTotal:       16000000 kB\nMemAvailable:   ${availableKib} kB\nSwapFree:       ${swapKib} kB\n`;
    assert.match(
      memoryProblem(meminfo(1_048_576, 0)) ?? "",
      /^1\.0 GiB of memory are available, the builds need up to 2\.1/,
    );
    assert.equal(memoryProblem(meminfo(1_048_576, 2_097_152)), undefined);
    assert.equal(memoryProblem(meminfo(4_194_304, 0)), undefined);
    assert.equal(typeof memoryProblem(""), "string");
  });
});
