import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { labPath } from "../../lab/state";
import { prepare, pulumi, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
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

/** A disk of its own for Pulumi's state, in the lab's mount namespace. */
const DISK = labPath("small-disk");
const SIZE_KIB = 4096;

describe("disk", () => {
  const env = { PULUMI_BACKEND_URL: `file://${DISK}` };
  const run = (command: readonly string[]) => pulumi(STACK, command, env);
  const runOk = async (command: readonly string[]) => {
    const { code, stdout, stderr } = await run(command);
    assert.equal(code, 0, `pulumi ${command.join(" ")}: ${stdout}${stderr}`);
  };
  /** Leaves so much of the disk free. */
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

  const STATE = `stacks/istio-gateway/${STACK}.json`;
  /** As docs/operations.md says it: the newest whole state takes the place of one that was cut off. */
  const WHOLE_STATE = `cd ${DISK}/.pulumi
    whole() { node -e 'JSON.parse(require("fs").readFileSync(process.argv[1]))' "$1" 2> /dev/null; }
    whole ${STATE} || for file in $(ls -t history/istio-gateway/${STACK}/*.checkpoint.json); do
      if whole "$file"; then cp "$file" ${STATE}; break; fi
    done`;
  /** As docs/operations.md says it: free space, a whole state, then what an interrupted update needs. */
  const repair = async () => {
    await empty();
    await theLab().output(["sh", "-ec", WHOLE_STATE]);
    await runOk(["cancel", "--yes"]);
    await runOk(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]);
    await runOk(UP);
    await runOk([...UP, "--expect-no-changes"]);
  };
  const failed = async () => {
    const { code, stdout, stderr } = await run(UP);
    assert.notEqual(code, 0, stdout);
    assert.match(stdout + stderr, /no space left on device/);
    assert.doesNotMatch(stdout + stderr, /panic:|BEGIN (RSA |EC )?PRIVATE KEY/);
  };

  it("full before an update begins: it says so and changes nothing, traffic goes on, and the repair converges", async () => {
    await prepare(STACK, values(["web", "full"]));
    await fill(0);
    await underTraffic(ADDRESS, HOST, async () => {
      await failed();
      assert.equal(await answeredBy("full.disk.test"), "404");
      await repair();
      await eventuallyBy("full.disk.test", "full");
    });
  });

  it("full in the middle of an update: it says so, traffic goes on, and the repair converges", async () => {
    await prepare(STACK, values(["web", "partial"]));
    // Enough for the lock, and not for the state.
    await fill(16);
    await underTraffic(ADDRESS, HOST, async () => {
      await failed();
      await repair();
      await eventuallyBy("partial.disk.test", "partial");
      await eventuallyBy("full.disk.test", "404");
    });
  });

  it("a state that was cut off while it was written: Pulumi says so, and the repair converges", async () => {
    await prepare(STACK, values(["web", "cut"]));
    await theLab().output([
      "sh",
      "-ec",
      `truncate -s $(($(stat -c %s ${DISK}/.pulumi/${STATE}) / 2)) ${DISK}/.pulumi/${STATE}`,
    ]);
    await underTraffic(ADDRESS, HOST, async () => {
      const { code, stdout, stderr } = await run(UP);
      assert.notEqual(code, 0);
      assert.match(stdout + stderr, /failed to load checkpoint/);
      await repair();
      await eventuallyBy("cut.disk.test", "cut");
      await eventuallyBy("partial.disk.test", "404");
    });
  });
});
