import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, pulumiOk, theLab, writeStack, type Values } from "./support/lab";
import { answeringServices, loadDuring } from "./support/load";
import { assertNothingRejected } from "./support/rejects";

const STACK = "traffic";
const DOMAIN = "traffic.test";

const service = (name: string, more: Values) => ({ name, namespace: "traffic", port: 8080, ...more });

const values = (percent: number): Values => ({
  domain: DOMAIN,
  gateway: { name: "traffic", namespace: "traffic-system", address: "192.168.51.114" },
  services: [
    service("canary", {
      canary: { service: "canary-next", percent, override: { headers: { "x-canary": "true" } } },
    }),
    service("matched", {
      paths: [
        { path: "/", name: "beta", match: { headers: { "user-type": "beta" } }, backends: [{ service: "beta" }] },
        { path: "/", name: "query", match: { query: { v: { regex: "[0-9]+" } } }, backends: [{ service: "query" }] },
        { path: "/", name: "post", match: { method: "POST" }, backends: [{ service: "post" }] },
        "/",
      ],
    }),
    service("breaker", {
      trafficPolicy: { connections: { maxConnections: 1, maxPendingRequests: 1, maxRequestsPerConnection: 1 } },
    }),
    service("limited", { rateLimit: { type: "local", requests: 5, per: "hour" }, paths: ["/", "/other"] }),
    service("by-address", { rateLimit: { type: "local-by-address", requests: 5, per: "hour" } }),
    service("by-header", { rateLimit: { type: "local-by-header", header: "X-User", requests: 5, per: "hour" } }),
    service("outlier", {
      trafficPolicy: {
        outlierDetection: { consecutive5xxErrors: 3, interval: "1s", baseEjectionTime: "3s", maxEjectionPercent: 100 },
      },
    }),
  ],
});

const backends = (host: string, count: number, headers: readonly string[] = []) =>
  answeringServices(`${host}.${DOMAIN}`, count, headers);

describe("traffic", () => {
  const get = (host: string, path = "/", headers: readonly string[] = [], curl: readonly string[] = []) =>
    request(theLab(), `https://${host}.${DOMAIN}${path}`, { headers, curl });

  before(async () => {
    await deploy(STACK, values(10));
    await eventually("the routes", 30_000, async () => {
      for (const host of ["canary", "matched", "breaker", "outlier"]) {
        assert.equal((await get(host)).status, 200);
      }
    });
  });
  after(() => destroy(STACK));

  /** Asserts that a share of 2,000 requests is within the 99.9 % bound of a binomial distribution. */
  async function assertShare(percent: number): Promise<void> {
    const count = 2000;
    const seen = await backends("canary", count);
    assert.equal(seen.length, count);
    const canary = seen.filter((name) => name === "canary-next").length;
    const p = percent / 100;
    const bound = 3.29 * Math.sqrt(count * p * (1 - p));
    assert.ok(
      Math.abs(canary - count * p) <= bound,
      `${canary} of ${count}, expected ${count * p} ± ${bound.toFixed(0)}`,
    );
  }

  it("gives the canary its share of 2,000 requests", () => assertShare(10));

  it("sends every request with the override's header to the canary", async () => {
    const seen = await backends("canary", 200, ["x-canary: true"]);
    assert.equal(seen.length, 200);
    assert.ok(seen.every((name) => name === "canary-next"));
  });

  it("raises the share with one line of config, without a failed request out of 5,000", async () => {
    await theLab().take(STACK, writeStack(STACK, values(25)));
    const up = pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    const { sent, answered } = await loadDuring(up, `canary.${DOMAIN}`, 5000);
    assert.equal(answered, sent);
    await eventually("the new share", 30_000, () => assertShare(25));
  });

  it("routes by header, query parameter and method", async () => {
    const backend = async (path: string, headers: readonly string[], curl: readonly string[] = []) =>
      (await get("matched", path, headers, curl)).headers["x-backend"];
    assert.equal(await backend("/", []), "matched");
    assert.equal(await backend("/", ["user-type: beta"]), "beta");
    assert.equal(await backend("/", ["user-type: betatester"]), "matched");
    assert.equal(await backend("/?v=12", []), "query");
    assert.equal(await backend("/?v=x", []), "matched");
    assert.equal(await backend("/", [], ["--request", "POST"]), "post");
  });

  it("refuses requests once the circuit breaker is full", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => get("breaker", "/?sleep=1000")));
    const refused = answers.filter(({ status }) => status === 503);
    assert.ok(refused.length > 0, "none was refused");
    assert.ok(refused.every(({ headers }) => headers["x-envoy-overloaded"] === "true"));
    assert.ok(answers.some(({ status }) => status === 200));
    assert.equal((await get("breaker")).status, 200);
  });

  it("ejects an endpoint after exactly the configured failures, and lets it return", async () => {
    const failure = () => get("outlier", "/?status=500&key=outlier");
    for (let count = 1; count <= 3; count++) {
      assert.equal((await failure()).status, 500, `failure ${count} reaches the backend`);
    }
    const ejected = await failure();
    assert.equal(ejected.status, 503);
    assert.match(ejected.body, /no healthy upstream/);
    const start = Date.now();
    await eventually("the endpoint to return", 15_000, async () => {
      assert.equal((await get("outlier")).status, 200);
    });
    assert.ok(Date.now() - start >= 2000, "it came back too early");
    const { body } = await get("outlier", "/__count?key=outlier");
    assert.equal(body, "3");
  });

  /** Statuses of eight consecutive requests. */
  async function eight(host: string, path: string, headers: readonly string[], from?: string): Promise<number[]> {
    const statuses: number[] = [];
    for (let count = 0; count < 8; count++) {
      const { status, headers: answered } = await request(theLab(), `https://${host}.${DOMAIN}${path}`, {
        headers,
        from,
      });
      assert.equal(answered["x-ratelimit-limit"]?.startsWith("5"), true, JSON.stringify(answered));
      statuses.push(status);
    }
    return statuses;
  }
  const exactlyFive = [200, 200, 200, 200, 200, 429, 429, 429];

  it("limits each rule exactly", async () => {
    assert.deepEqual(await eight("limited", "/", []), exactlyFive);
    assert.deepEqual(await eight("limited", "/other", []), exactlyFive);
    assert.equal((await get("matched")).status, 200, "other services are not limited");
  });

  it("limits each client address separately, whatever its X-Forwarded-For", async () => {
    assert.deepEqual(await eight("by-address", "/", [], CLIENT_INSIDE), exactlyFive);
    const forged = await request(theLab(), `https://by-address.${DOMAIN}/`, {
      from: CLIENT_INSIDE,
      headers: ["X-Forwarded-For: 198.51.100.7"],
    });
    assert.equal(forged.status, 429);
    assert.deepEqual(await eight("by-address", "/", [], CLIENT_OUTSIDE), exactlyFive);
  });

  it("limits each value of a header separately", async () => {
    assert.deepEqual(await eight("by-header", "/", ["x-user: one"]), exactlyFive);
    assert.deepEqual(await eight("by-header", "/", ["x-user: two"]), exactlyFive);
    assert.deepEqual(await eight("by-header", "/", []), exactlyFive, "requests without the header share one limit");
  });

  it("has each of its patches in Envoy, and none was rejected", async () => {
    const dump = await theLab().inProxy("traffic", ["curl", "-s", "http://127.0.0.1:15000/config_dump"]);
    // One bucket per rule: two for limited, and one for each other service.
    assert.equal(
      dump.match(/"fill_interval": "3600s"/g)?.length,
      4 + 2,
      "a descriptor's bucket is in addition to its rule's",
    );
    await assertNothingRejected("traffic");
  });
});
