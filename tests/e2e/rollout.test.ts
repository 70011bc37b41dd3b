import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { startSteady } from "./support/steady";

const STACK = "rollout";
const NAMESPACE = "rollout-system";
const HOST = "web.rollout.test";
const ADDRESS = "192.168.51.160";
const DEPLOYMENT = `deployment/${STACK}-istio`;
/** Streams may take so long once their proxy ends. Unit: seconds. */
const MAXIMUM = 12;
/** Between the end of a Pod's process, and what clients and the API server say of it. Unit: seconds. */
const TOLERANCE = 4;

const values = (infrastructure: Values): Values => ({
  domain: "rollout.test",
  gateway: {
    name: STACK,
    namespace: NAMESPACE,
    address: ADDRESS,
    infrastructure: {
      // Small, but two of them: the machine is small too.
      preset: "small",
      replicas: 2,
      drain: { minimum: "5s", maximum: `${MAXIMUM}s` },
      ...infrastructure,
    },
  },
  services: [{ name: "web", namespace: "rollout-apps", port: 8080, timeouts: { request: "0s" } }],
});

const clock = (time: number) => new Date(time).toISOString().slice(11, 23);

interface PodList {
  items: {
    metadata: { name: string; deletionTimestamp?: string; deletionGracePeriodSeconds?: number };
    spec: { nodeName?: string };
    status: { conditions?: { type: string; status: string }[] };
  }[];
}

describe("rollout", () => {
  before(() => deploy(STACK, values({})));
  after(() => destroy(STACK));

  const kubectl = (...args: string[]) => theLab().kubectl(args);
  const pods = async () =>
    (
      JSON.parse(
        await kubectl(
          "get",
          "pods",
          "-n",
          NAMESPACE,
          "-l",
          `gateway.networking.k8s.io/gateway-name=${STACK}`,
          "-o",
          "json",
        ),
      ) as PodList
    ).items;
  const isReady = ({ status }: PodList["items"][number]) =>
    status.conditions?.some(({ type, status: met }) => type === "Ready" && met === "True") === true;
  /** Until earlier ones have ended, too: a node without a ready proxy falls back to those, however soon they end. */
  const settled = (count: number) =>
    eventually(`${count} ready proxies, and no others`, 90_000, async () => {
      const found = await pods();
      assert.deepEqual([found.length, found.filter(isReady).length], [count, count]);
      return found;
    });

  it("restarts, scales, drains a node and deletes a proxy without a failed request", async () => {
    const nodes = new Set((await settled(2)).map(({ spec }) => spec.nodeName));
    assert.equal(nodes.size, 2, "one proxy on each node");
    await eventually("the route", 60_000, async () =>
      assert.equal((await request(theLab(), `https://${HOST}/`)).status, 200),
    );
    /** When the end of each proxy began. Unit: milliseconds since 1970. */
    const deleted = new Map<string, number>();
    const watching = setInterval(() => {
      void pods().then(
        (all) => {
          for (const { metadata } of all) {
            if (metadata.deletionTimestamp !== undefined) {
              const grace = (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
              deleted.set(metadata.name, Date.parse(metadata.deletionTimestamp) - grace);
            }
          }
        },
        () => undefined,
      );
    }, 500);
    const load = startSteady({
      address: ADDRESS,
      host: HOST,
      perSecond: 200,
      atLeast: 20_000,
      atMost: 100_000,
      maxSeconds: 400,
      webSockets: 4,
    });
    const steps: string[] = [];
    const step = (name: string) => steps.push(`${clock(Date.now())} ${name}`);
    try {
      step("restart");
      await kubectl("rollout", "restart", DEPLOYMENT, "-n", NAMESPACE);
      await kubectl("rollout", "status", DEPLOYMENT, "-n", NAMESPACE, "--timeout=90s");
      await settled(2);
      step("2 to 5");
      await deploy(STACK, values({ replicas: 5 }));
      await settled(5);
      step("5 to 2");
      await deploy(STACK, values({}));
      const [first] = await settled(2);
      const node = first?.spec.nodeName ?? "";
      step(`drain ${node}`);
      await kubectl(
        "drain",
        node,
        `--pod-selector=gateway.networking.k8s.io/gateway-name=${STACK}`,
        "--delete-emptydir-data",
        "--timeout=120s",
      );
      assert.ok((await settled(2)).every(({ spec }) => spec.nodeName !== node));
      await kubectl("uncordon", node);
      step("delete");
      const [victim] = await pods();
      await kubectl("delete", "pod", victim?.metadata.name ?? "", "-n", NAMESPACE, "--wait=false");
      await settled(2);
      step("resources");
      // A change of resources replaces both.
      await deploy(STACK, values({ resources: { requests: { cpu: "60m" } } }));
      await kubectl("rollout", "status", DEPLOYMENT, "-n", NAMESPACE, "--timeout=90s");
      await settled(2);
    } finally {
      const report = await load.stop();
      clearInterval(watching);
      const sent = Object.values(report.requests).reduce((sum, count) => sum + count);
      const reasons = [...report.reasons, ...steps].sort().join("\n");
      assert.equal(report.failures, 0, `${report.failures} of ${sent} failed:\n${reasons}`);
      assert.ok(
        sent >= 20_000 && Object.values(report.requests).every((count) => count >= 1_000),
        JSON.stringify(report),
      );
      assert.ok(report.echoes > 1_000, `${report.echoes} echoes`);
      assert.ok(report.ends.length > 0, "no WebSocket saw its proxy end");
      const times = [...deleted.values()];
      for (const { opened, ended } of report.ends) {
        const after = times.map((time) => (ended - time) / 1000);
        assert.ok(
          after.some((seconds) => seconds > MAXIMUM - TOLERANCE && seconds < MAXIMUM + TOLERANCE),
          `a WebSocket, open from ${clock(opened)} to ${clock(ended)}, ended ` +
            `${after.map((seconds) => seconds.toFixed(1)).join(", ")} s after the ends of proxies began:\n${steps.join("\n")}`,
        );
      }
    }
  }).timeout(600_000);
});
