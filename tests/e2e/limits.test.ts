import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request, type Answer } from "../../lab/probe";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "limits";
const DOMAIN = "limits.test";
const NAMESPACE = "limits-system";
const DAY_MS = 86_400_000;
/** Longer than this suite takes. */
const SUITE_MS = 180_000;

const service = (name: string, rateLimit: unknown, more: Values = {}) => ({
  name,
  namespace: "limits-apps",
  port: 8080,
  rateLimit,
  ...more,
});
const local = (requests: number, per: string, more: Values) => ({ type: "local", requests, per, ...more });
const perDay = (requests: number, more: Values = {}) => ({ type: "global", requests, per: "day", ...more });

const values: Values = {
  domain: DOMAIN,
  gateway: { name: "limits", namespace: NAMESPACE, address: "192.168.51.149" },
  telemetry: { metrics: { scrape: "config-map" } },
  // Generous, because a busy machine answers slowly and nothing here tests the timeout.
  rateLimitService: {
    timeout: "10s",
    replicas: 1,
    failureMode: "closed",
    shared: {
      free: { type: "global", requests: 5, per: "day" },
      keys: { type: "global-by-header", header: "x-key", requests: 2, per: "week" },
    },
  },
  services: [
    service("probe", perDay(1_000_000)),
    service("burst", local(1, "day", { burst: 4 })),
    service("steady", local(3600, "hour", { burst: 2 })),
    service("per-client", {
      ...local(1, "hour", { burst: 3, maxClients: 10 }),
      type: "local-by-header",
      header: "x-user",
    }),
    service("counted", local(2, "hour", { enforce: false })),
    service("tried", [perDay(4), perDay(2, { enforce: false })]),
    service("only-tried", perDay(2, { enforce: false })),
    service("busy", local(2, "hour", { status: 503 })),
    service("busy-everywhere", [perDay(2, { status: 503 }), { ...perDay(1000), per: "hour" }]),
    service("week", { ...perDay(2), per: "week" }),
    service("month", { ...perDay(2), per: "month" }),
    service("year", { ...perDay(2), per: "year" }),
    service("one", { type: "shared", name: "free" }),
    service("two", [
      { type: "shared", name: "free" },
      { type: "shared", name: "keys" },
    ]),
  ],
};

const LIMIT = "x-ratelimit-limit";

function get(name: string, headers: readonly string[] = []): Promise<Answer> {
  return request(theLab(), `https://${name}.${DOMAIN}/`, { headers });
}

/** One after another. */
async function each(name: string, count: number, headers: readonly string[] = []): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let sent = 0; sent < count; sent++) {
    answers.push(await get(name, headers));
  }
  return answers;
}

async function statuses(name: string, count: number, headers: readonly string[] = []): Promise<number[]> {
  return (await each(name, count, headers)).map(({ status }) => status);
}

/** A counter's value in the proxy's metrics; undefined if there is none. */
async function counted(metric: string, label = ""): Promise<number | undefined> {
  const all = await theLab().inProxy(STACK, ["curl", "-s", "http://127.0.0.1:15000/stats/prometheus"]);
  const line = all.split("\n").find((text) => text.startsWith(`${metric}{`) && text.includes(label));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

const OVER = "envoy_cluster_ratelimit_not_enforced_ratelimit_over_limit";

describe("limits", () => {
  before(async function () {
    this.timeout(DAY_MS);
    const left = DAY_MS - (Date.now() % DAY_MS);
    // Counters reset at midnight (UTC), possibly in the middle of a test.
    await new Promise((resolve) => setTimeout(resolve, left < SUITE_MS ? left : 0));
    await deploy(STACK, values);
    await eventually("counting", 60_000, async () => {
      const answers = await each("probe", 20);
      assert.ok(answers.every(({ headers }) => headers[LIMIT]?.startsWith("1000000,")));
    });
  });
  after(() => destroy(STACK));

  it("lets a burst through that is larger than the rate, and then the rate", async () => {
    const answers = await each("burst", 6);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 429, 429],
    );
    assert.equal(answers[0]?.headers[LIMIT], "4");
  });

  it("lets a burst through that is smaller than the rate, and grants the rate evenly", async () => {
    const first = await statuses("steady", 2);
    assert.deepEqual(first, [200, 200]);
    await eventually("the bucket to be empty", 5_000, async () => assert.equal((await get("steady")).status, 429));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal((await get("steady")).status, 200, "one request each second");
  });

  it("gives each client a burst of its own", async () => {
    for (const user of ["one", "two"]) {
      assert.deepEqual(await statuses("per-client", 5, [`x-user: ${user}`]), [200, 200, 200, 429, 429], user);
    }
  });

  it("counts what a local limit would refuse, refuses nobody, and tells clients of no limit", async () => {
    const answers = await each("counted", 6);
    assert.ok(answers.every(({ status, headers }) => status === 200 && headers[LIMIT] === undefined));
    assert.equal(await counted("envoy_counted__not_enforced_http_local_rate_limit_rate_limited"), 4);
    assert.equal(await counted("envoy_counted_http_local_rate_limit_rate_limited"), undefined);
  });

  it("counts what a global limit would refuse, beside one that refuses", async () => {
    const answers = await each("tried", 6);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 429, 429],
    );
    assert.ok(answers.every(({ headers }) => headers[LIMIT] === "4, 4;w=86400"));
    // The third and the fourth; the others were refused before.
    assert.equal(await counted(OVER, "8080||tried."), 2);
    const only = await each("only-tried", 5);
    assert.ok(only.every(({ status, headers }) => status === 200 && headers[LIMIT] === undefined));
    assert.ok(only.every(({ headers }) => headers["x-envoy-ratelimited"] === undefined));
    assert.equal(await counted(OVER, "8080||only-tried."), 3);
  });

  it("answers 503 where asked for, for local and global limits", async () => {
    const local503 = await each("busy", 3);
    assert.deepEqual(
      local503.map(({ status, body }) => (status === 503 ? body : status)),
      [200, 200, "local_rate_limited"],
    );
    const answers = await each("busy-everywhere", 3);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 503],
    );
    assert.equal(answers[2]?.body, "");
  });

  it("counts by week, month and year", async () => {
    for (const [unit, days] of Object.entries({ week: 7, month: 30, year: 365 })) {
      const answers = await each(unit, 3);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 429],
      );
      assert.equal(answers[0]?.headers[LIMIT], `2, 2;w=${days * 86_400}`);
      const left = days * 86_400 - ((Date.now() / 1000) % (days * 86_400));
      const reset = Number(answers[0].headers["x-ratelimit-reset"]);
      assert.ok(Math.abs(reset - left) < 60, `${unit}: resets in ${reset} s, not in ${left} s`);
    }
  });

  it("counts what services share together, and each of their clients", async () => {
    assert.deepEqual(await statuses("one", 3), [200, 200, 200]);
    assert.deepEqual(await statuses("two", 1, ["x-key: a"]), [200]);
    assert.deepEqual(await statuses("two", 2, ["x-key: b"]), [200, 429]);
    assert.deepEqual(await statuses("one", 1), [429]);
  });

  it("has each of its filters in Envoy, and none was rejected", async () => {
    const dump = await theLab().inProxy(STACK, ["curl", "-s", "http://127.0.0.1:15000/config_dump"]);
    for (const name of ["envoy.filters.http.ratelimit", "unified-gateway.rate-limit-503"]) {
      assert.match(dump, new RegExp(`"name": "${name}"`));
    }
    assert.match(dump, /"name": "unified-gateway.rate-limit-not-enforced"/);
    assert.match(dump, /"fill_interval": "86400s"/);
    await assertNothingRejected("limits");
  });

  it("lets requests through that only a limit that is not enforced fails to count", async () => {
    const limiter = "deployment/limits--rate-limit";
    await theLab().kubectl(["-n", NAMESPACE, "scale", limiter, "--replicas=0"]);
    await eventually("the failure of counting", 60_000, async () => {
      assert.equal((await get("week")).status, 503);
    });
    assert.equal((await get("only-tried")).status, 200);
    assert.equal((await get("tried")).status, 503);
  });
});
