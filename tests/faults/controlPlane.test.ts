import assert from "node:assert/strict";
import type { ControlPlaneProgram } from "../../lab/controlPlane";
import { eventually } from "../../lab/processes";
import { deploy, destroy, prepare, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { startUpdate } from "./support/runningUpdate";
import { answeredBy, eventuallyBy, underTraffic } from "./support/traffic";

const STACK = "control-plane";
const DOMAIN = "control-plane.test";
const ADDRESS = "192.168.51.212";

/** How long a program is down. Unit: milliseconds. */
const AWAY_MS = 3_000;
/** Longest time after istiod is ready until config applied while it was down is in force. Unit: milliseconds. */
const IN_FORCE_MS = 30_000;

const service = (name: string, more: Values = {}): Values => ({
  name,
  namespace: "control-plane-apps",
  port: 8080,
  ...more,
});
const values = (services: readonly Values[]): Values => ({
  domain: DOMAIN,
  gateway: { name: STACK, namespace: `${STACK}-system`, address: ADDRESS },
  services: [service("web", { rateLimit: { type: "local", requests: 10_000, per: "second" } }), ...services],
});
const host = (name: string) => `${name}.${DOMAIN}`;

const READY: Readonly<Record<string, readonly string[]>> = {
  "kube-apiserver": ["kubectl", "get", "--raw", "/readyz"],
  etcd: ["kubectl", "get", "--raw", "/readyz"],
};

/** How an update says that the API server, or its store, is away. */
const UNREACHED =
  /error: .*(unreachable|connection refused|connection reset|: EOF|etcdserver|no answer within|context deadline)/;

/** Restarts a killed program after a while, and waits until it is ready. Returns when it was. */
async function comesBack(name: ControlPlaneProgram): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  await theLab().startAgain(name);
  await eventually(`${name}, again`, 120_000, () => theLab().output(READY[name] ?? []));
  return Date.now();
}

describe("control plane", () => {
  before(async () => {
    // Prepares the backends of later services now, while the API server is healthy.
    await prepare(STACK, values(["etcd", "kube-apiserver", "late", "later"].map((name) => service(name))));
    await deploy(STACK, values([]));
    await eventuallyBy(host("web"), "web");
  });
  after(async () => {
    // A test that failed may have left it away, and every later one needs it.
    await theLab().scaleIstiod(1);
    await destroy(STACK);
  });

  for (const name of ["kube-apiserver", "etcd"] as const) {
    it(`${name} killed in the middle of an update: it continues or says why, and the next one converges`, async () => {
      await prepare(STACK, values([service(name)]));
      await underTraffic(ADDRESS, host("web"), async () => {
        const update = startUpdate(STACK);
        await update.firstStep();
        theLab().kill(name);
        await comesBack(name);
        const { code } = await update.ended;
        console.log(`      the update exited with ${code}`);
        if (code !== 0) {
          assert.match(update.said(), UNREACHED);
          assert.doesNotMatch(update.said(), /\bat .+\.ts:\d+/, "no stack trace");
        }
        await pulumiOk(STACK, UP);
        await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
        await eventuallyBy(host(name), name);
      });
    });

    it(`${name} down before an update begins: it says so, and changes nothing`, async () => {
      theLab().kill(name);
      await underTraffic(ADDRESS, host("web"), async () => {
        const update = startUpdate(STACK, ["--refresh"]);
        if (name === "etcd") {
          // A request waits for the store, which comes back while the update is waiting.
          await comesBack(name);
        }
        const { code } = await update.ended;
        if (name === "kube-apiserver") {
          await comesBack(name);
          assert.notEqual(code, 0);
          assert.match(update.said(), /error: failed to read resource state due to unreachable cluster/);
          assert.match(update.said(), /cluster is unreachable: .*connection refused/);
        }
        await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
      });
    });
  }

  it("istiod killed under traffic: no request fails, and later changes are applied", async () => {
    await underTraffic(ADDRESS, host("web"), async () => {
      await theLab().killIstiod(await theLab().istiodPods());
      await theLab().istiodReady();
      await prepare(STACK, values([service("late")]));
      await pulumiOk(STACK, UP);
      await eventuallyBy(host("late"), "late");
    });
  });

  it("istiod killed in the middle of an update: what it applied is in force within 30 s of istiod's return", async () => {
    await prepare(STACK, values([service("later")]));
    const istiod = await theLab().istiodPods();
    await underTraffic(ADDRESS, host("web"), async () => {
      const update = startUpdate(STACK);
      await update.firstStep();
      // Killed at once: a Pod that ends in peace pushes what changes meanwhile, and so does one that takes its place.
      await Promise.all([theLab().killIstiod(istiod), theLab().scaleIstiod(0)]);
      // No object here goes through Istio's webhook, and nothing changed in the Gateway that istiod would have to report.
      const { code } = await update.ended;
      assert.equal(code, 0, update.said());
      assert.equal(await answeredBy(host("later")), "404", "Envoy does not have the route yet");
      await theLab().scaleIstiod(1);
      const ready = Date.now();
      await eventually("the new route", IN_FORCE_MS, async () =>
        assert.equal(await answeredBy(host("later")), "later"),
      );
      console.log(`      in force ${Date.now() - ready} ms after istiod was ready`);
      await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
    });
  });
});
