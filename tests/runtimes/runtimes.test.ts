import assert from "node:assert/strict";
import { dependencies } from "../../package.json";
import { Runtime } from "./runtime";
import { NODE, PULUMI_SDK } from "./versions";

/** Longest time to get the tools on a machine without them. Unit: milliseconds. */
const FIRST_BUILD_MS = 60 * 60_000;

const SDKS = { newest: PULUMI_SDK, "project's": dependencies["@pulumi/pulumi"] };

for (const [name, sdk] of Object.entries(SDKS)) {
  describe(`Node ${NODE} with the ${name} Pulumi SDK, ${sdk}`, () => {
    let runtime: Runtime;

    before(async () => {
      runtime = new Runtime(sdk);
      await runtime.prepare();
    });
    after(() => runtime.end());
    afterEach("no other Node was started", () => {
      assert.deepEqual(runtime.versions(), [NODE]);
    });

    const succeeds = async (...args: string[]) => assert.equal(await runtime.npm(...args), 0, `npm ${args.join(" ")}`);

    it("compiles", async () => {
      await succeeds("run", "check:types");
    });

    it("passes the unit tests", async () => {
      await succeeds("test", "--", "--fail-zero", "--reporter=dot");
    });

    describe("in the lab", () => {
      before("npm start", async function () {
        this.timeout(FIRST_BUILD_MS);
        await succeeds("start");
      });

      const preview = async (...args: string[]) => {
        const { code, stdout, stderr } = await runtime.pulumi("preview", "--stack=dev", "--non-interactive", ...args);
        return { code, found: new Set(stdout.match(/\[\w+\] {2}[\w-]+/g)), text: stdout + stderr };
      };

      it("deploys dev, and a second update has nothing to do", async () => {
        const { code, text } = await preview("--expect-no-changes");
        assert.equal(code, 0, text);
        assert.ok(runtime.hasStarted("run"));
      });

      it("evaluates the policies", async () => {
        const { code, found, text } = await preview(`--policy-pack=${runtime.policyPack}`);
        assert.equal(code, 0, text);
        assert.deepEqual([...found], ["[advisory]  service-limit"], text);
        assert.ok(runtime.hasStarted("run-policy-pack"));
      });

      it("refuses what they forbid", async () => {
        const config = runtime.write("policies.json", { "service-limit": "mandatory" });
        const { code, found, text } = await preview(
          `--policy-pack=${runtime.policyPack}`,
          `--policy-pack-config=${config}`,
        );
        assert.notEqual(code, 0, text);
        assert.deepEqual([...found], ["[mandatory]  service-limit"], text);
      });
    });
  });
}
