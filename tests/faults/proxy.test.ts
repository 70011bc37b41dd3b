import assert from "node:assert/strict";
import type { RunningPod } from "../../lab/pods";
import { eventually } from "../../lab/processes";
import { handshake, request } from "../../lab/probe";
import { destroy, prepare, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { eventuallyBy, underTraffic } from "./support/traffic";

const STACK = "proxy";
const HOST = "web.proxy.test";
const LIMITED = "https://limited.proxy.test/";
const ADDRESS = "192.168.51.213";

const VALUES: Values = {
  domain: "proxy.test",
  gateway: {
    name: STACK,
    namespace: "proxy-system",
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
    infrastructure: { preset: "small", replicas: 2 },
  },
  services: [
    {
      name: "web",
      namespace: "proxy-apps",
      port: 8080,
      hsts: { maxAge: "5m" },
      access: { deny: ["203.0.113.0/24"] },
      timeouts: { request: "1s" },
    },
    {
      name: "limited",
      namespace: "proxy-apps",
      port: 8080,
      // Each test has its own count of requests.
      rateLimit: { type: "local-by-header", header: "x-user", requests: 1, per: "hour" },
    },
  ],
};

/** What clients see of the first proxy: routes, redirect, access, timeout, limits and certificate. */
async function seen(user: string): Promise<unknown> {
  const lab = theLab();
  const ask = (url: string, more: object = {}) => request(lab, url, more);
  const served = await ask(`https://${HOST}/`);
  const redirect = await ask(`http://${HOST}/`);
  const limited = [];
  // Two proxies, and each counts for itself.
  for (let sent = 0; sent < 4; sent++) {
    limited.push((await ask(LIMITED, { headers: [`x-user: ${user}`] })).status);
  }
  return {
    status: served.status,
    backend: served.headers["x-backend"],
    hsts: served.headers["strict-transport-security"],
    redirect: [redirect.status, redirect.headers.location],
    denied: (await ask(`https://${HOST}/`, { from: "203.0.113.10" })).status,
    slow: (await ask(`https://${HOST}/?sleep=5000`)).status,
    unknown: (await ask("https://unknown.proxy.test/")).status,
    limits: [...new Set(limited)].sort(),
    serial: (await handshake(lab, ADDRESS, HOST)).serial,
  };
}

describe("proxy", () => {
  let healthy: unknown;
  let victim: RunningPod;
  /** Address of the gateway's other Pod, on the other node. */
  let other = "";
  before(async () => {
    const { gateway } = await prepare(STACK, VALUES);
    await pulumiOk(STACK, UP);
    await eventuallyBy(HOST, "web");
    await theLab().gatewayReady(gateway);
    const pods = await theLab().gatewayPods(STACK);
    assert.equal(new Set(pods.map(({ node }) => node)).size, 2);
    [victim, { address: other } = { address: "" }] = pods as [RunningPod, RunningPod];
    await eventuallyBy("limited.proxy.test", "limited");
    healthy = await seen("before");
    assert.deepEqual(
      { ...(healthy as object), serial: "" },
      {
        status: 200,
        backend: "web",
        hsts: "max-age=300",
        redirect: [301, `https://${HOST}/`],
        denied: 403,
        slow: 504,
        unknown: 404,
        limits: [200, 429],
        serial: "",
      },
    );
  });
  after(async () => {
    // A test that failed may have left it away, and every later one needs it.
    await theLab().scaleIstiod(1);
    await destroy(STACK);
  });

  /** A client of the dead Pod is refused immediately: it does not hang, and gets nothing unencrypted. */
  const refused = async () => {
    for (const [url, port] of [
      [`https://${HOST}/`, 443],
      [`http://${HOST}/`, 80],
    ] as const) {
      const curl = ["--resolve", `${HOST}:${port}:${victim.address}`];
      const { status, exitCode, body } = await request(theLab(), url, { curl });
      // 7: no connection.
      assert.deepEqual([status, exitCode, body], [0, 7, ""]);
    }
  };
  const ready = (pods: number) =>
    eventually(`${pods} ready Pods`, 60_000, async () => {
      const wanted = [
        "get",
        "deployment",
        "proxy-istio",
        "-n",
        "proxy-system",
        "-o",
        "jsonpath={.status.readyReplicas}",
      ];
      assert.equal(await theLab().kubectl(wanted), String(pods));
    });
  const asBefore = (user: string) => {
    let tries = 0;
    // The load balancer takes a moment to notice that a proxy is away.
    return eventually("traffic as before", 60_000, async () =>
      assert.deepEqual(await seen(`${user}-${tries++}`), healthy),
    );
  };

  it("Envoy killed: its clients are refused, the other Pod's are served, and the address moves there", async () => {
    await underTraffic(other, HOST, async () => {
      await theLab().killEnvoy(STACK, victim.name);
      await refused();
      await asBefore("again");
      await ready(2);
    });
  });

  it("Envoy killed while istiod is down: the other Pod serves, and it does too once istiod is back", async () => {
    await underTraffic(other, HOST, async () => {
      await theLab().scaleIstiod(0);
      await theLab().killEnvoy(STACK, victim.name);
      await ready(1);
      await refused();
      await asBefore("without istiod");
      await theLab().scaleIstiod(1);
      await ready(2);
      await asBefore("with istiod");
    });
  });

  it("needs no update of the stack afterwards", async () => {
    await pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
  });
});
