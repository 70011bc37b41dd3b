import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { deploy, destroy, prepare, pulumiOk, theLab, type Values } from "./support/lab";
import { loadDuring } from "./support/load";

const STACK = "resilience";
const DOMAIN = "resilience.test";

const service = (name: string, more: Values) => ({ name, namespace: "resilience", port: 8080, ...more });
const hashed = (key: Values) => ({ trafficPolicy: { loadBalancing: { type: "CONSISTENT_HASH", key } } });

const values = (request: string, more: readonly unknown[] = []): Values => ({
  domain: DOMAIN,
  gateway: { name: "resilience", namespace: "resilience-system", address: "192.168.51.131" },
  services: [
    service("each-try", { timeouts: { request: "5s", backendRequest: "1s" }, retry: { attempts: 1 } }),
    service("total", { timeouts: { request }, retry: { attempts: 2, codes: [503] } }),
    service("plain", {}),
    service("off", { retry: false }),
    service("bounded", {
      retry: { attempts: 2, codes: [503] },
      trafficPolicy: { retryBudget: { percent: 1, minRetryConcurrency: 1 } },
    }),
    service("cors", {
      cors: {
        allowOrigins: ["https://app.example.com", "https://*.example.org"],
        allowMethods: ["PUT"],
        allowHeaders: ["x-custom"],
        exposeHeaders: ["x-backend"],
        allowCredentials: true,
        maxAge: "10m",
      },
    }),
    service("by-header", hashed({ type: "header", name: "x-user" })),
    service("by-cookie", hashed({ type: "cookie", name: "affinity", ttl: "1h" })),
    service("kept", {
      sessionPersistence: { absoluteTimeout: "1h" },
      paths: ["/", { path: "/free", sessionPersistence: false }],
    }),
    service("by-address", hashed({ type: "source-address" })),
    service("warm", { trafficPolicy: { loadBalancing: { type: "ROUND_ROBIN", warmup: "30s" } } }),
    ...more,
  ],
});

describe("resilience", () => {
  const url = (host: string, query = "") => `https://${host}.${DOMAIN}/?${query}`;
  const curl = (...args: string[]) => theLab().output(["curl", "-sk", "--max-time", "20", ...args]);

  before(async () => {
    await deploy(STACK, values("2s"));
    for (const name of ["by-header", "by-cookie", "by-address", "kept", "warm"]) {
      await theLab().scale("resilience", name, 4);
    }
    await eventually("the routes", 30_000, async () => {
      for (const host of ["each-try", "off", "cors", "warm"]) {
        assert.equal((await request(theLab(), url(host))).status, 200);
      }
    });
    await eventually("every endpoint", 30_000, async () => {
      assert.equal(new Set(await addresses("warm", 20)).size, 4);
    });
  });
  after(() => destroy(STACK));

  /** Status, seconds as the client measures them, and number of tries that reached the backend. */
  async function ask(host: string, query: string): Promise<{ status: number; seconds: number; tries: number }> {
    const key = `${host}-${query}-${Date.now()}`;
    const said = await curl("-o", "/dev/null", "-w", "%{http_code} %{time_total}", url(host, `key=${key}&${query}`));
    const [status = 0, seconds = 0] = said.split(" ").map(Number);
    return { status, seconds, tries: await triesOf(key) };
  }
  // The echo server is one process for all backends.
  const triesOf = async (key: string) => Number(await curl(`https://plain.${DOMAIN}/__count?key=${key}`));

  function within10Percent(seconds: number, expected: number): void {
    assert.ok(Math.abs(seconds - expected) <= expected / 10, `${seconds} s, expected ${expected} s ± 10 %`);
  }

  it("ends each try at timeouts.backendRequest, and tries again", async () => {
    const { status, seconds, tries } = await ask("each-try", "sleep=4000");
    assert.deepEqual([status, tries], [504, 2]);
    within10Percent(seconds, 2);
  });

  it("ends all tries at timeouts.request", async () => {
    const { status, seconds, tries } = await ask("total", "sleep=4000");
    assert.deepEqual([status, tries], [504, 1]);
    within10Percent(seconds, 2);
  });

  for (const [host, query, status, tries] of [
    ["total", "fail=1", 200, 2],
    ["total", "fail=2", 200, 3],
    ["total", "fail=3", 503, 3],
    ["total", "status=500", 500, 1],
    ["total", "reset=1", 503, 3],
    ["each-try", "status=503", 503, 1],
    ["plain", "status=503", 503, 1],
    ["plain", "reset=1", 503, 1],
    ["off", "status=503", 503, 1],
    ["off", "reset=1", 503, 1],
  ] as const) {
    it(`tries ${tries} times: ${host}, ${query}`, async () => {
      const { status: seen, tries: counted } = await ask(host, query);
      assert.deepEqual([seen, counted], [status, tries]);
    });
  }

  /** A page of Envoy's admin interface. */
  async function admin(page: string): Promise<string> {
    return theLab().inProxy(STACK, ["curl", "-s", `http://127.0.0.1:15000/${page}`]);
  }

  it("retries connections as configured: Istio's own two retries, those of the config, or none", async () => {
    for (const [host, connects] of [
      ["plain", 3],
      ["each-try", 2],
      ["off", 1],
    ] as const) {
      const slice = ["endpointslice", `${host}-lab`, "-n", "resilience", "--type=json", "-p"];
      const listenOn = (port: number) =>
        theLab().kubectl(["patch", ...slice, JSON.stringify([{ op: "replace", path: "/ports/0/port", value: port }])]);
      await listenOn(1);
      try {
        const refused = new RegExp(
          `\\|${host}\\.resilience\\.svc\\.cluster\\.local::[0-9.]+:1::cx_connect_fail::(\\d+)`,
        );
        const count = async () => Number(refused.exec(await admin("clusters"))?.[1] ?? NaN);
        await eventually(`the endpoint of ${host}`, 20_000, async () => assert.equal(await count(), 0));
        assert.equal((await request(theLab(), url(host))).status, 503);
        assert.equal(await count(), connects, host);
      } finally {
        await listenOn(8080);
      }
    }
    await eventually("the endpoints to return", 20_000, async () => {
      assert.equal((await request(theLab(), url("plain"))).status, 200);
    });
  });

  it("keeps retries within their budget", async () => {
    const twenty = async (host: string) => {
      const key = `${host}-${Date.now()}`;
      const one = `url = "${url(host, `key=${key}&status=503&sleep=1000`)}"\noutput = /dev/null\n`;
      const parallel = ["--parallel", "--parallel-immediate", "--parallel-max", "20", "--config", "-"];
      await theLab().run(["curl", "-sk", ...parallel], { input: one.repeat(20) });
      return triesOf(key);
    };
    const tries = await twenty("bounded");
    assert.ok(tries > 20 && tries < 30, `${tries} tries for 20 requests`);
  });

  it("answers preflights itself, only for the origins in the config", async () => {
    const preflight = (origin: string) =>
      request(theLab(), url("cors"), {
        headers: [
          `origin: ${origin}`,
          "access-control-request-method: PUT",
          "access-control-request-headers: x-custom",
        ],
        curl: ["--request", "OPTIONS"],
      });
    for (const origin of ["https://app.example.com", "https://a.b.example.org"]) {
      const { status, headers } = await preflight(origin);
      assert.equal(status, 200);
      assert.equal(headers["x-backend"], undefined, "no backend was called");
      assert.equal(headers["access-control-allow-origin"], origin);
      assert.equal(headers["access-control-allow-credentials"], "true");
      assert.equal(headers["access-control-allow-methods"], "PUT");
      assert.equal(headers["access-control-allow-headers"], "x-custom");
      assert.equal(headers["access-control-max-age"], "600");
    }
    for (const origin of ["https://app.example.com.evil.test", "http://app.example.com", "https://example.org"]) {
      const { headers } = await preflight(origin);
      assert.equal(headers["access-control-allow-origin"], undefined, origin);
    }
  });

  it("marks responses as readable, only for the origins in the config", async () => {
    const from = async (origin: string) =>
      (await request(theLab(), url("cors"), { headers: [`origin: ${origin}`] })).headers;
    const allowed = await from("https://app.example.com");
    assert.equal(allowed["access-control-allow-origin"], "https://app.example.com");
    assert.equal(allowed["access-control-expose-headers"], "x-backend");
    assert.equal(allowed["x-backend"], "cors");
    assert.equal((await from("https://evil.test"))["access-control-allow-origin"], undefined);
  });

  /** Addresses of the endpoints that answered a number of requests in a row. */
  async function addresses(host: string, count: number, ...args: string[]): Promise<string[]> {
    const said = await curl(...args, ...Array.from({ length: count }, () => url(host)));
    return [...said.matchAll(/"address":"([^"]+)"/g)].map(([, address = ""]) => address);
  }
  /** Asserts that each client stays with its endpoint, and that clients are spread. */
  async function assertAffinity(clients: readonly (() => Promise<string[]>)[]): Promise<void> {
    const seen = new Set<string>();
    for (const client of clients) {
      const [first = "", ...others] = await client();
      assert.equal(others.length, 4);
      assert.ok(others.every((address) => address === first));
      seen.add(first);
    }
    assert.ok(seen.size > 1, "every client went to one endpoint");
  }
  const twelve = Array.from({ length: 12 }, (_, index) => index);

  it("keeps each value of a header at one endpoint", () =>
    assertAffinity(twelve.map((user) => () => addresses("by-header", 5, "-H", `x-user: ${user}`))));

  it("keeps each client address at one endpoint", async () => {
    const client = (index: number) => `192.168.1.${20 + index}`;
    for (const index of twelve) {
      await theLab().output(["ip", "address", "replace", `${client(index)}/32`, "dev", "lo"]);
    }
    await assertAffinity(twelve.map((index) => () => addresses("by-address", 5, "--interface", client(index))));
  });

  it("gives each browser a cookie that keeps it at one endpoint", async () => {
    const { headers } = await request(theLab(), url("by-cookie"));
    const cookie = headers["set-cookie"] ?? "";
    assert.match(cookie, /^affinity="?[^";]+"?; Max-Age=3600; Path=\/; Secure; HttpOnly$/);
    // An empty in-memory cookie jar: each curl acts as a separate browser.
    await assertAffinity(twelve.map(() => () => addresses("by-cookie", 5, "--cookie", "")));
  });

  it("keeps a client at the endpoint that it got first, while others come, and until it goes", async () => {
    const { headers } = await request(theLab(), url("kept"));
    const cookie = headers["set-cookie"] ?? "";
    assert.match(cookie, /^session-[0-9a-f]{10}="[^";]+"; Max-Age=3600; Path=\/; Secure; HttpOnly$/);
    await assertAffinity(twelve.map(() => () => addresses("kept", 5, "--cookie", "")));
    const free = await request(theLab(), `https://kept.${DOMAIN}/free`);
    assert.equal(free.headers["set-cookie"], undefined, "a path that turns it off");

    const clients = await Promise.all(
      twelve.map(async () => {
        const first = await request(theLab(), url("kept"));
        const [kept = ""] = (first.headers["set-cookie"] ?? "").split(";");
        return { kept, address: (JSON.parse(first.body) as { address: string }).address };
      }),
    );
    const again = async ({ kept }: { kept: string }) => {
      const { body } = await request(theLab(), url("kept"), { headers: [`cookie: ${kept}`] });
      return (JSON.parse(body) as { address: string }).address;
    };
    const before = clients.map(({ address }) => address);
    await theLab().scale("resilience", "kept", 6);
    await eventually("the new endpoints", 30_000, async () => {
      assert.equal(new Set(await addresses("kept", 40)).size, 6);
    });
    assert.deepEqual(await Promise.all(clients.map(again)), before);

    await theLab().scale("resilience", "kept", 1);
    await eventually("the only endpoint", 30_000, async () => {
      assert.equal(new Set(await Promise.all(clients.map(again))).size, 1);
    });
    const forged = Buffer.from("10.0.0.1:8080").toString("base64");
    const [name = ""] = cookie.split("=");
    const { status } = await request(theLab(), url("kept"), { headers: [`cookie: ${name}="${forged}"`] });
    assert.equal(status, 200, "an address that is no endpoint's");
  });

  it("slow-starts new endpoints and limits retries in Envoy's own config", async () => {
    const dump = JSON.parse(await admin("config_dump?resource=dynamic_active_clusters")) as {
      configs: { cluster: { name: string; slow_start_config?: unknown } & Record<string, unknown> }[];
    };
    const cluster = (name: string) => {
      const found = dump.configs.find(
        (entry) => entry.cluster.name === `outbound|8080||${name}.resilience.svc.cluster.local`,
      );
      return JSON.stringify(found?.cluster);
    };
    assert.match(cluster("warm"), /"slow_start_config":\{[^}]*"slow_start_window":"30s"/);
    assert.match(cluster("bounded"), /"retry_budget":\{"budget_percent":\{"value":1\},"min_retry_concurrency":1\}/);
  });

  it("applies new timeouts and a new service without a failed request out of 5,000", async function () {
    this.timeout(300_000);
    await prepare(STACK, values("1s", [service("added", {})]));
    const up = pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    const { sent, answered } = await loadDuring(up, `total.${DOMAIN}`, 5000);
    assert.ok(sent >= 5000);
    assert.equal(answered, sent);
    await eventually("the new service", 20_000, async () => {
      assert.equal((await request(theLab(), url("added"))).status, 200);
    });
    const { status, seconds } = await ask("total", "sleep=4000");
    assert.equal(status, 504);
    within10Percent(seconds, 1);
  });
});
