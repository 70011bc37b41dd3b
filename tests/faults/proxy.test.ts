import assert from "node:assert/strict";
import { ISTIOD } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { handshake, request } from "../../lab/probe";
import { destroy, prepare, pulumiOk, theLab, type Values } from "../e2e/support/lab";
import { UP } from "./support/repair";
import { eventuallyBy, underTraffic } from "./support/traffic";

const STACK = "proxy";
const HOST = "web.proxy.test";
const LIMITED = "https://limited.proxy.test/";
const ADDRESS = "192.168.51.213";
/** The gateway's second proxy, to which a load balancer would send clients while the first is down. */
const OTHER = "192.168.51.214";

const VALUES: Values = {
  domain: "proxy.test",
  gateway: { name: STACK, namespace: "proxy-system", address: ADDRESS, clientAddress: { trustedProxies: 0 } },
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
  const limited = { headers: [`x-user: ${user}`] };
  return {
    status: served.status,
    backend: served.headers["x-backend"],
    hsts: served.headers["strict-transport-security"],
    redirect: [redirect.status, redirect.headers.location],
    denied: (await ask(`https://${HOST}/`, { from: "203.0.113.10" })).status,
    slow: (await ask(`https://${HOST}/?sleep=5000`)).status,
    unknown: (await ask("https://unknown.proxy.test/")).status,
    limits: [(await ask(LIMITED, limited)).status, (await ask(LIMITED, limited)).status],
    serial: (await handshake(lab, ADDRESS, HOST)).serial,
  };
}

describe("proxy", () => {
  let healthy: unknown;
  let number = -1;
  before(async () => {
    await prepare(STACK, VALUES, 2);
    await pulumiOk(STACK, UP);
    await eventuallyBy(HOST, "web");
    number = theLab().snapshot.proxies.findIndex(({ address }) => address === ADDRESS);
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
  after(() => destroy(STACK));

  /** A client of the dead proxy is refused immediately: it does not hang, and gets nothing unencrypted. */
  const refused = async () => {
    for (const url of [`https://${HOST}/`, `http://${HOST}/`]) {
      const { status, exitCode, body } = await request(theLab(), url);
      // 7: no connection.
      assert.deepEqual([status, exitCode, body], [0, 7, ""]);
    }
  };
  const asBefore = (user: string) =>
    eventually("traffic as before", 60_000, async () => {
      assert.equal((await request(theLab(), `https://${HOST}/`)).status, 200);
      assert.equal((await request(theLab(), `http://${HOST}/`)).status, 301);
    }).then(async () => assert.deepEqual(await seen(user), healthy));

  it("Envoy killed: its clients are refused, the other replica's are served, and all is as before once it is back", async () => {
    await underTraffic(OTHER, HOST, async () => {
      await theLab().killEnvoy(number);
      await refused();
      await theLab().startProxyAgain(number);
      await asBefore("again");
    });
  });

  it("Envoy killed while istiod is down: it serves again once istiod is back", async () => {
    await underTraffic(OTHER, HOST, async () => {
      theLab().kill("pilot-discovery");
      await theLab().killEnvoy(number);
      await theLab().startProxyAgain(number);
      await refused();
      await theLab().startAgain("pilot-discovery");
      await eventually("istiod", 60_000, () => theLab().output(["curl", "-sf", `http://${ISTIOD}:8080/ready`]));
      await asBefore("without istiod");
    });
  });

  it("needs no update of the stack afterwards", async () => {
    await pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
  });
});
