import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { request, type Answer } from "../../lab/probe";
import { labPath } from "../../lab/state";
import { destroy, prepare, pulumiOk, theLab, writeStack, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "global";
const DOMAIN = "global.test";
const NAMESPACE = "global-system";
/** Addresses of the gateway's two Pods. */
let A = "";
let B = "";
const LIMITER = "deployment/global--rate-limit";
const REDIS = "deployment/global--rate-limit-redis";
const DAY_MS = 86_400_000;
/** Longer than this suite takes. */
const SUITE_MS = 180_000;

const service = (name: string, rateLimit?: unknown, more: Values = {}) => ({
  name,
  namespace: "global-apps",
  port: 8080,
  rateLimit,
  ...more,
});
const perDay = (requests: number, type = "global", more: Values = {}) => ({ type, requests, per: "day", ...more });

const values = ({ changed = 3, failureMode = "open" } = {}): Values => ({
  domain: DOMAIN,
  gateway: {
    name: "global",
    namespace: NAMESPACE,
    address: "192.168.51.140",
    infrastructure: { preset: "small", replicas: 2 },
    clientAddress: { trustedProxies: 0 },
  },
  // Generous, because a busy machine answers slowly and nothing here tests the timeout.
  rateLimitService: { timeout: "10s", failureMode },
  services: [
    service("free"),
    service("probe", perDay(1_000_000)),
    service("shared", perDay(10), { paths: ["/", "/other"] }),
    service("by-address", perDay(5, "global-by-address")),
    service("by-header", perDay(5, "global-by-header", { header: "X-User" })),
    service("both", [{ type: "local", requests: 3, per: "hour" }, perDay(5)]),
    service("guarded", perDay(3), { access: { allow: ["192.168.0.0/16"] } }),
    service("changed", perDay(changed)),
  ],
});

interface Load {
  readonly path?: string;
  readonly from?: string;
  readonly header?: string;
}

const LIMIT_HEADER = "%header{x-ratelimit-limit}";

/** curl's output for each of a number of requests, sent one after another through one proxy. */
async function each(proxy: string, name: string, count: number, what: string, load: Load = {}): Promise<string[]> {
  const host = `${name}.${DOMAIN}`;
  const { stdout } = await theLab().run([
    ...["curl", "-sk", "--max-time", "30", "--output", "/dev/null", "--write-out", `${what}\\n`],
    ...["--resolve", `${host}:443:${proxy}`],
    ...(load.from === undefined ? [] : ["--interface", load.from]),
    ...(load.header === undefined ? [] : ["--header", load.header]),
    `https://${host}${load.path ?? "/"}?n=[1-${count}]`,
  ]);
  return stdout.split("\n").slice(0, -1);
}

async function statuses(proxy: string, name: string, count: number, load: Load = {}): Promise<number[]> {
  return (await each(proxy, name, count, "%{http_code}", load)).map(Number);
}

/** Sends half of the requests through each proxy, at the same time. Returns how many got each status. */
async function throughBoth(name: string, count: number, load: Load = {}): Promise<Record<number, number>> {
  const answers = await Promise.all([A, B].map((proxy) => statuses(proxy, name, count / 2, load)));
  const counts: Record<number, number> = {};
  for (const status of answers.flat()) {
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

function get(proxy: string, name: string, path = "/"): Promise<Answer> {
  const host = `${name}.${DOMAIN}`;
  return request(theLab(), `https://${host}${path}`, { curl: ["--resolve", `${host}:443:${proxy}`] });
}

const kubectl = (...args: string[]) => theLab().kubectl(["-n", NAMESPACE, ...args]);

/** More than the service's connections to Redis (10 in each of two Pods): a stale one fails once. */
const PROBES = 50;

/** Waits until every request is counted, through both proxies. */
const counting = () =>
  eventually("counting through both proxies", 60_000, async () => {
    const counted = await Promise.all([A, B].map((proxy) => each(proxy, "probe", PROBES, LIMIT_HEADER)));
    assert.ok(counted.flat().every((limit) => limit.startsWith("1000000,")));
  });

async function scale(deployment: string, replicas: number): Promise<void> {
  await kubectl("scale", deployment, `--replicas=${replicas}`);
  await kubectl("rollout", "status", deployment, "--timeout=60s");
  const selector = `app.kubernetes.io/instance=${deployment.slice("deployment/".length)}`;
  await eventually(`${replicas} Pods of ${deployment}`, 60_000, async () => {
    const pods = await kubectl("get", "pods", "-l", selector, "-o", "name");
    assert.equal(pods.split("\n").filter((line) => line !== "").length, replicas);
  });
}

describe("global rate limit", () => {
  let said = "";
  const up = async (config: Values) => {
    await theLab().take(STACK, writeStack(STACK, config));
    said += await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
  };

  before(async function () {
    this.timeout(DAY_MS);
    const left = DAY_MS - (Date.now() % DAY_MS);
    // Counters reset at midnight (UTC), possibly in the middle of a test.
    await new Promise((resolve) => setTimeout(resolve, left < SUITE_MS ? left : 0));
    const { gateway } = await prepare(STACK, values());
    await up(values());
    await theLab().gatewayReady(gateway);
    [A = "", B = ""] = (await theLab().gatewayPods(STACK)).map(({ address }) => address);
    await counting();
  });
  after(() => destroy(STACK));

  it("shares one count between all paths of the service and both proxies", async () => {
    const [root, other] = await Promise.all([throughBoth("shared", 8), throughBoth("shared", 8, { path: "/other" })]);
    assert.equal((root[200] ?? 0) + (other[200] ?? 0), 10);
    assert.equal((root[429] ?? 0) + (other[429] ?? 0), 6);
    assert.deepEqual(await throughBoth("free", 20), { 200: 20 }, "other services are not limited");
  });

  it("reports the limit and its reset time in headers", async () => {
    const { status, headers } = await get(B, "shared");
    assert.equal(status, 429);
    assert.equal(headers["x-ratelimit-limit"], "10, 10;w=86400");
    assert.equal(headers["x-ratelimit-remaining"], "0");
    const left = (DAY_MS - (Date.now() % DAY_MS)) / 1000;
    const reset = Number(headers["x-ratelimit-reset"]);
    assert.ok(Math.abs(reset - left) < 60, `resets in ${reset} s, and midnight is in ${left} s`);
  });

  it("counts each client address separately", async () => {
    for (const from of [CLIENT_INSIDE, CLIENT_OUTSIDE]) {
      assert.deepEqual(await throughBoth("by-address", 8, { from }), { 200: 5, 429: 3 }, from);
    }
  });

  it("counts each value of a header separately, and requests without it together", async () => {
    for (const header of ["X-User: one", "x-user: two", "X-User;", "X-Other: one"]) {
      assert.deepEqual(await throughBoth("by-header", 8, { header }), { 200: 5, 429: 3 }, header);
    }
  });

  it("works with a local limit, whose refusals it does not count", async () => {
    assert.deepEqual(await statuses(A, "both", 5), [200, 200, 200, 429, 429]);
    assert.deepEqual(await statuses(B, "both", 4), [200, 200, 429, 429]);
  });

  it("counts no request of a client that may not enter", async () => {
    assert.deepEqual(await throughBoth("guarded", 8, { from: CLIENT_OUTSIDE }), { 403: 8 });
    assert.deepEqual(await throughBoth("guarded", 4, { from: CLIENT_INSIDE }), { 200: 3, 429: 1 });
  });

  it("has each of its patches in both Envoys, and none was rejected", async () => {
    for (const replica of [0, 1]) {
      const dump = await theLab().inProxy(STACK, ["curl", "-s", "http://127.0.0.1:15000/config_dump"], replica);
      assert.equal(dump.match(/"domain": "global-system\/global"/g)?.length, 1);
      // For everybody, by address, and by header, with which come two: with the header and without.
      assert.equal(dump.match(/"descriptor_key": "service"/g)?.length, 4);
    }
    await assertNothingRejected("global");
  });

  it("applies a changed limit once the update has ended, and keeps what was counted", async () => {
    assert.deepEqual(await statuses(A, "changed", 2), [200, 200]);
    await up(values({ changed: 6 }));
    await counting();
    assert.deepEqual(await throughBoth("changed", 6), { 200: 4, 429: 2 });
  });

  it("keeps the password out of outputs, state, logs and arguments", async () => {
    const encoded = await kubectl("get", "secret", "global--rate-limit-redis", "-o", "jsonpath={.data.password}");
    const password = Buffer.from(encoded, "base64").toString("utf8");
    assert.match(password, /^[A-Za-z0-9]{32}$/);
    const logs = labPath("logs");
    const places: Record<string, string> = {
      update: said,
      state: await pulumiOk(STACK, ["stack", "export"]),
      outputs: await pulumiOk(STACK, ["stack", "output", "--json", "--show-secrets"]),
      objects: await kubectl("get", "configmaps,deployments,pods,envoyfilters", "-o", "yaml"),
      arguments: await theLab().output(["sh", "-c", "cat /proc/[0-9]*/cmdline || true"]),
      logs: readdirSync(logs)
        .map((file) => readFileSync(`${logs}/${file}`, "utf8"))
        .join("\n"),
    };
    for (const [place, text] of Object.entries(places)) {
      assert.ok(text.length > 0, place);
      assert.ok(!text.includes(password) && !text.includes(encoded), place);
    }
    assert.match(places.arguments ?? "", /redis-server/);
  });

  it("starts over if Redis is lost, and counts exactly", async () => {
    assert.deepEqual(await throughBoth("shared", 4), { 429: 4 });
    const container = "jsonpath={.items[0].status.containerStatuses[0].containerID}";
    const redis = "app.kubernetes.io/instance=global--rate-limit-redis";
    const pid = (await kubectl("get", "pods", "-l", redis, "-o", container)).replace("lab://", "");
    await theLab().output(["kill", "-KILL", pid]);
    await eventually("Redis in a new process", 30_000, async () => {
      assert.notEqual(await kubectl("get", "pods", "-l", redis, "-o", container), `lab://${pid}`);
    });
    await kubectl("rollout", "status", REDIS, "--timeout=60s");
    await kubectl("rollout", "status", LIMITER, "--timeout=60s");
    await counting();
    assert.deepEqual(await throughBoth("shared", 16), { 200: 10, 429: 6 });
  });

  it("admits everything without Redis or without the service if it fails open", async () => {
    for (const deployment of [REDIS, LIMITER]) {
      await scale(deployment, 0);
      await eventually("the failure of counting", 30_000, async () => {
        assert.equal((await get(A, "probe")).headers["x-ratelimit-limit"], undefined);
        assert.equal((await get(B, "probe")).headers["x-ratelimit-limit"], undefined);
      });
      assert.deepEqual(await throughBoth("shared", 8), { 200: 8 }, deployment);
    }
  });

  it("answers 503 without the service if it fails closed, for limited services only", async () => {
    await up(values({ changed: 6, failureMode: "closed" }));
    await eventually("the new failure mode", 30_000, async () => {
      assert.deepEqual(await throughBoth("probe", 2), { 503: 2 });
    });
    assert.deepEqual(await throughBoth("shared", 4), { 503: 4 });
    assert.deepEqual(await throughBoth("free", 4), { 200: 4 });
  });

  it("counts again once it is back", async () => {
    await scale(REDIS, 1);
    await scale(LIMITER, 2);
    await counting();
    assert.deepEqual(await throughBoth("shared", 16), { 200: 10, 429: 6 });
  });

  it("leaves nothing behind when the last limit is removed", async () => {
    const owned = () =>
      theLab().kubectl([
        ...["get", "deployments,services,pods,configmaps,secrets,poddisruptionbudgets,envoyfilters", "-A"],
        // Istio makes the gateway's own, with the Gateway's labels.
        ...["-l", "app.kubernetes.io/part-of=global,!gateway.networking.k8s.io/gateway-name", "-o", "name"],
      ]);
    assert.match(await owned(), /global--rate-limit-redis/);
    const { rateLimitService: _, ...rest } = values();
    await up({ ...rest, services: [service("free"), service("shared")] });
    const kept = [
      "configmap/global--infrastructure",
      "envoyfilter.networking.istio.io/global--hardening",
      "envoyfilter.networking.istio.io/global--retry",
      "envoyfilter.networking.istio.io/global--route-keys",
      "envoyfilter.networking.istio.io/global--tls-parameters",
      "poddisruptionbudget.policy/global--proxies",
      "secret/global--wildcard-global-test-tls",
    ];
    // Pods end in peace.
    await eventually("the service to be gone", 60_000, async () =>
      assert.deepEqual((await owned()).trim().split("\n").sort(), kept),
    );
    await eventually("no limit", 30_000, async () => {
      assert.deepEqual(await throughBoth("shared", 20), { 200: 20 });
    });
  });
});
