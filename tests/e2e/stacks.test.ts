import assert from "node:assert/strict";
import { loadStackFile } from "../../config/load/stackFile";
import { checkStack } from "../../lab/checks";
import { run } from "../../lab/processes";
import { stackFile } from "../../lab/stacks";
import type { Row } from "../../verify/row";
import { pulumiOk, theLab } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

describe("the repository's stacks", () => {
  for (const stack of ["dev", "prod"]) {
    describe(stack, () => {
      let rows: Row[];
      before(async () => {
        const config = await theLab().prepare(stack);
        await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
        rows = await checkStack(theLab(), stack, config);
      });
      after(async () => {
        if (stack === "prod") {
          // `protect` is on: a plain destroy must fail.
          const result = await theLab().run(["pulumi", "destroy", "--yes", "--non-interactive", "--stack", stack]);
          assert.notEqual(result.code, 0);
          assert.match(result.stdout + result.stderr, /protect/);
          await theLab().output(["pulumi", "state", "unprotect", "--all", "--yes", "--stack", stack]);
        }
        await pulumiOk(stack, ["destroy", "--yes", "--skip-preview"]);
      });

      it("serves a real client as configured", () => {
        const checks = ["dns", "redirect", "tls", "certificate", "routes", "conditions", "backends", "proxies"];
        assert.deepEqual(
          checks.filter((check) => !rows.some((row) => row.check === check && row.state === "ok")),
          [],
        );
        assert.deepEqual(
          rows.filter(({ state }) => state === "failed"),
          [],
        );
        assert.ok(
          rows.some(({ what, seen }) => / is answered by its own backend$/.test(what) && /^200 from /.test(seen)),
        );
      });

      it("changes nothing in a second up", async () => {
        await pulumiOk(stack, ["up", "--yes", "--skip-preview", "--expect-no-changes"]);
      });

      it("creates objects that pass istioctl analyze", async () => {
        const { stdout } = await theLab().run(["istioctl", "analyze", "-A", "-o", "json"]);
        const messages = JSON.parse(stdout === "" ? "[]" : stdout) as { level: string; code: string; origin: string }[];
        // IST0133 only says that an EnvoyFilter is one. IST0107 is about Istio's own copies of a Gateway's annotations.
        const isKnown = ({ code, origin }: { code: string; origin: string }) =>
          code === "IST0133" || (code === "IST0107" && origin.endsWith("-istio"));
        const serious = messages.filter((message) => message.level !== "Info" && !isKnown(message));
        assert.deepEqual(serious, []);
      });

      it("is accepted completely by Envoy", async () => {
        await assertNothingRejected(loadStackFile(stackFile(stack)).gateway.name);
      });

      it("does not modify the repository's stack file", async () => {
        const { stdout } = await run("git", ["status", "--porcelain", "--", stackFile(stack)]);
        assert.equal(stdout, "");
      });
    });
  }
});
