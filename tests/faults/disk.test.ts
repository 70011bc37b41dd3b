import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { labPath } from "../../lab/state";
import { prepare, pulumi, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { repair, UP } from "./support/repair";
import { answeredBy, eventuallyBy, underTraffic } from "./support/traffic";

const STACK = "disk";
const ADDRESS = "192.168.51.219";
const HOST = "web.disk.test";
const values = (services: readonly string[]): Values => ({
  domain: "disk.test",
  gateway: { name: STACK, namespace: "disk-system", address: ADDRESS },
  services: services.map((name) => ({
    name,
    namespace: "disk-apps",
    port: 8080,
    rateLimit: { type: "local", requests: 1000 * services.length, per: "second" },
  })),
});

/** A separate disk for Pulumi's state, in the lab's mount namespace. */
const DISK = labPath("small-disk");
const SIZE_KIB = 16384;

describe("disk", () => {
  const env = { PULUMI_BACKEND_URL: `file://${DISK}` };
  const run = (command: readonly string[]) => pulumi(STACK, command, env);
  const runOk = (command: readonly string[]) => pulumiOk(STACK, command, env);
  /** Fills the disk except for this much. */
  const fill = (freeKib: number) =>
    theLab().output([
      "sh",
      "-ec",
      `free=$(df -k --output=avail ${DISK} | tail -1); dd if=/dev/zero of=${DISK}/full bs=1k count=$((free - ${freeKib}))`,
    ]);
  const empty = () => theLab().output(["rm", "-f", `${DISK}/full`]);

  before(async () => {
    mkdirSync(DISK, { recursive: true });
    await theLab().output(["mount", "-t", "tmpfs", "-o", `size=${SIZE_KIB}k`, "tmpfs", DISK]);
    await prepare(STACK, values(["web", "partial", "full"]));
    await prepare(STACK, values(["web"]));
    await runOk(["stack", "init"]);
    await runOk(UP);
    await eventuallyBy(HOST, "web");
  });
  after(async () => {
    await empty();
    await runOk(["destroy", "--yes", "--skip-preview"]);
    await theLab().output(["umount", DISK]);
    await theLab().output(["pulumi", "stack", "rm", STACK, "--yes", "--non-interactive"]);
  });

  /** Frees space, and does what an interrupted update needs. */
  const recover = async () => {
    await empty();
    await repair(STACK, DISK);
  };
  const failed = async () => {
    const { code, stdout, stderr } = await run(UP);
    assert.notEqual(code, 0, stdout);
    assert.match(stdout + stderr, /no space left on device/);
    assert.doesNotMatch(stdout + stderr, /panic:|BEGIN (RSA |EC )?PRIVATE KEY/);
  };

  it("full before an update begins: it says so and changes nothing, traffic continues, and the repair converges", async () => {
    await prepare(STACK, values(["web", "full"]));
    await fill(0);
    await underTraffic(ADDRESS, HOST, async () => {
      await failed();
      assert.equal(await answeredBy("full.disk.test"), "404");
      await recover();
      await eventuallyBy("full.disk.test", "full");
    });
  });

  it("full in the middle of an update: it says so, traffic continues, and the repair converges", async () => {
    await prepare(STACK, values(["web", "partial"]));
    // Enough for the lock, but not for the state.
    await fill(16);
    await underTraffic(ADDRESS, HOST, async () => {
      await failed();
      await recover();
      await eventuallyBy("partial.disk.test", "partial");
      await eventuallyBy("full.disk.test", "404");
    });
  });

  // The service that each update adds, and the one that it removes.
  for (const [what, file, now, other] of [
    ["a state", `${STACK}.json`, "cut", "partial"],
    ["the attributes that the backend keeps next to a state", `${STACK}.json.attrs`, "noted", "cut"],
  ] as const) {
    it(`${what}, truncated while being written: Pulumi says so, and the repair converges`, async () => {
      await prepare(STACK, values(["web", now]));
      const path = `${DISK}/.pulumi/stacks/istio-gateway/${file}`;
      await theLab().output(["sh", "-ec", `truncate -s $(($(stat -c %s ${path}) / 2)) ${path}`]);
      await underTraffic(ADDRESS, HOST, async () => {
        const { code, stdout, stderr } = await run(UP);
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, /failed to load checkpoint/);
        await recover();
        await eventuallyBy(`${now}.disk.test`, now);
        await eventuallyBy(`${other}.disk.test`, "404");
      });
    });
  }
});
