import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { collectedSpans } from "../../lab/otlp";
import { eventually } from "../../lab/processes";
import { CLIENT_INSIDE } from "../../lab/addresses";
import { request } from "../../lab/probe";
import { ruleMetric } from "../../components/telemetry/metricNames";
import type { Service } from "../../config";
import { deploy, destroy, theLab, type Values } from "./support/lab";

const STACK = "observability";
const DOMAIN = "observability.test";
const GATEWAY = "observability";

const service = (name: string, more: Values = {}) => ({ name, namespace: "observed", port: 8080, ...more });

const values: Values = {
  domain: DOMAIN,
  gateway: { name: GATEWAY, namespace: "observability-system", address: "192.168.51.154" },
  telemetry: {
    accessLogs: { provider: "gateway-json" },
    traces: { provider: "otel", samplePercent: 0 },
    metrics: { scrape: "config-map" },
  },
  services: [
    service("plain"),
    service("errors", {
      telemetry: { accessLogs: { samplePercent: 0, errorsFrom: 404, slowerThan: "500ms" } },
      paths: ["/", { path: "/all", telemetry: { accessLogs: { samplePercent: 100 } } }],
    }),
    service("sampled", { telemetry: { accessLogs: { samplePercent: 25 } } }),
    service("traced", {
      telemetry: { traces: { samplePercent: 100 } },
      paths: ["/", { path: "/untraced", telemetry: false }],
    }),
    // Each with rules of its own: nested by service, they would be too deep for Envoy's parser, which then takes no listener.
    ...Array.from({ length: 12 }, (_, index) =>
      service(`own-${index}`, {
        backends: [{ service: "plain" }],
        telemetry: { accessLogs: { samplePercent: 0, errorsFrom: 500 + index } },
      }),
    ),
  ],
};

/** A line in the format gateway-json. */
type Line = Record<string, string | number | null>;

describe("observability", () => {
  const get = (host: string, path: string, headers: readonly string[] = []) =>
    request(theLab(), `https://${host}.${DOMAIN}${path}`, { headers });

  let logFile = "";
  let traced: Service;
  const output = () => readFileSync(logFile, "utf8");
  const lines = () =>
    output()
      .split("\n")
      .filter((line) => line.startsWith('{"'))
      .map((line) => JSON.parse(line) as Line);

  /** Envoy flushes its log every 10 seconds, or after 64 KiB: waits for the line of one last request. */
  async function logged(): Promise<Line[]> {
    const mark = `/mark-${Date.now()}`;
    await get("plain", mark);
    return eventually("the access log", 30_000, () => {
      const all = lines();
      return all.some(({ path }) => path === mark) ? Promise.resolve(all) : Promise.reject(new Error("no line yet"));
    });
  }

  before(async () => {
    const found = (await deploy(STACK, values)).services.find(({ name }) => name === "traced");
    assert.ok(found);
    traced = found;
    logFile = (await theLab().gatewayPods(GATEWAY))[0]?.logFile ?? "";
    await eventually("the routes", 30_000, async () => {
      for (const host of ["plain", "errors", "sampled", "traced"]) {
        assert.equal((await get(host, "/")).status, 200);
      }
    });
  });
  after(() => destroy(STACK));

  describe("access log", () => {
    let all: Line[];
    const paths = (host: string) =>
      all.filter((line) => line.host === `${host}.${DOMAIN}`).map(({ path }) => String(path));

    before(async () => {
      const secrets = ["Authorization: Bearer CREDENTIAL", "Cookie: session=CREDENTIAL"];
      await get("plain", "/secret?token=CREDENTIAL", secrets);
      await request(theLab(), `http://plain.${DOMAIN}/redirected?token=CREDENTIAL`, { headers: secrets });
      await get("errors", "/fine", secrets);
      await get("errors", "/all/fine", secrets);
      await get("errors", "/missing?status=404");
      await get("errors", "/teapot?status=403");
      await get("errors", "/slow?sleep=700");
      await request(theLab(), `https://errors.${DOMAIN}/aborted?sleep=400`, { curl: ["--max-time", "0.2"] });
      await get("unknown", "/no-route");
      for (const host of ["own-3", "own-11"]) {
        await get(host, "/502?status=502");
        await get(host, "/503?status=503");
      }
      const config = Array.from({ length: 400 }, (_, n) => `url = "https://sampled.${DOMAIN}/?n=${n}"\n`).join("");
      await theLab().run(["curl", "-sk", "--config", "-"], { input: config });
      all = await logged();
    });

    it("goes by the rules of each of many services", () => {
      assert.deepEqual(paths("own-3"), ["/503"]);
      assert.deepEqual(paths("own-11"), []);
    });

    it("describes a request, who answered it, and how", () => {
      const line = all.find(({ path }) => path === "/secret");
      assert.ok(line);
      const { start_time, duration_ms, request_id, client, upstream, user_agent, bytes_sent, ...fixed } = line;
      assert.deepEqual(fixed, {
        host: `plain.${DOMAIN}`,
        method: "GET",
        path: "/secret",
        protocol: "HTTP/2",
        status: 200,
        response_flags: "-",
        details: "via_upstream",
        route: "plain--root",
        cluster: "outbound|8080||plain.observed.svc.cluster.local",
        upstream_attempts: 1,
        bytes_received: 0,
        trace_id: line.trace_id,
      });
      assert.match(String(start_time), /^\d{4}-\d\d-\d\dT/);
      assert.match(String(request_id), /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
      assert.match(String(client), /^\d+\.\d+\.\d+\.\d+$/);
      assert.match(String(upstream), /^10\.244\.\d+\.\d+:8080$/);
      assert.match(String(user_agent), /^curl\//);
      assert.ok(Number(duration_ms) >= 0 && Number(bytes_sent) > 0);
    });

    it("contains no credentials and no query strings", () => {
      assert.ok(all.some(({ path }) => path === "/redirected"));
      assert.doesNotMatch(output(), /CREDENTIAL/);
      assert.ok(all.every(({ path }) => !String(path).includes("?")));
    });

    it("contains only errors, slow and unfinished requests if a service asks for these only, and all to a path", () => {
      assert.deepEqual(paths("errors"), ["/all/fine", "/missing", "/slow", "/aborted"]);
    });

    it("contains a share of a service's requests", () => {
      const count = paths("sampled").filter((path) => path === "/").length;
      // The 99.9 % bound of a binomial distribution around 100 of 400.
      assert.ok(Math.abs(count - 100) <= 3.29 * Math.sqrt(400 * 0.25 * 0.75), `${count} of 400`);
    });

    it("contains requests that no route matches", () => {
      const line = all.find(({ path }) => path === "/no-route");
      assert.deepEqual([line?.status, line?.response_flags, line?.route], [404, "NR", null]);
    });

    it("replaces the mesh's own lines, for this gateway only", () => {
      // Those start with the time in brackets.
      assert.doesNotMatch(output(), /^\[\d{4}-\d\d-\d\dT[^\]]+\] "GET/m);
    });
  });

  describe("traces", () => {
    it("cover the gateway and the backend, and name the rule", async () => {
      await get("traced", "/untraced");
      await get("traced", "/order?token=CREDENTIAL");
      const [line] = (await logged()).filter(({ path }) => path === "/order");
      const spans = await eventually("both spans", 30_000, () => {
        const found = collectedSpans().filter(({ traceId }) => traceId === line?.trace_id);
        const whole = found.some(({ service: name }) => name === "traced") && found.length >= 3;
        return whole
          ? Promise.resolve(found)
          : Promise.reject(new Error(`${found.length} spans: ${JSON.stringify(found)}`));
      });
      const root = spans.find(({ parentSpanId }) => parentSpanId === "");
      assert.ok(root);
      assert.equal(root.attributes["gateway.route"], "traced--root");
      assert.equal(root.attributes["http.url"], `https://traced.${DOMAIN}/order`);
      assert.equal(root.attributes["http.status_code"], "200");
      const backend = spans.find(({ service: name }) => name === "traced");
      const client = spans.find(({ spanId }) => spanId === backend?.parentSpanId);
      assert.equal(client?.service, root.service);
      assert.equal(client.parentSpanId, root.spanId);
      assert.deepEqual(backend?.attributes, { path: "/order" });
      assert.equal(spans.length, 3);
      assert.doesNotMatch(JSON.stringify(collectedSpans()), /CREDENTIAL/);
    });

    it("exclude services and paths without their own share if the stack's share is 0", () => {
      const ours = collectedSpans().filter(({ attributes }) => String(attributes["http.url"]).includes(`.${DOMAIN}/`));
      const routes = new Set(ours.map(({ attributes }) => attributes["gateway.route"]));
      assert.deepEqual([...routes], ["traced--root"]);
    });
  });

  it("use the gateway's own request id, even if a client with a private address sends one", async () => {
    await request(theLab(), `https://traced.${DOMAIN}/own-id`, {
      from: CLIENT_INSIDE,
      headers: ["x-request-id: 00000000-0000-4000-8000-000000000000"],
    });
    const found = (await logged()).filter(({ path }) => path === "/own-id");
    assert.equal(found.length, 1);
    assert.notEqual(found[0]?.request_id, "00000000-0000-4000-8000-000000000000");
  });

  it("agree on a request: its id in log and span, its service in log, span and metrics", async () => {
    const rule = traced.rules.find(({ path }) => path === "/");
    assert.ok(rule);
    const completed = ruleMetric(rule, "upstream_rq_completed");
    /** The value of a counter that the gateway exports. */
    const counted = async () => {
      const metrics = await theLab().inProxy(GATEWAY, ["curl", "-sf", "http://127.0.0.1:15090/stats/prometheus"]);
      return Number(new RegExp(`^${completed}\\{[^}]*\\} (\\d+)$`, "m").exec(metrics)?.[1]);
    };
    const before = await counted();
    await get("traced", "/same");
    assert.equal(await counted(), before + 1);
    const found = (await logged()).filter(({ path }) => path === "/same");
    assert.equal(found.length, 1);
    const [line] = found;
    const id = String(line?.request_id);
    assert.match(id, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
    const root = await eventually("the span", 30_000, () => {
      const span = collectedSpans().find(({ attributes }) => attributes["guid:x-request-id"] === id);
      return span === undefined ? Promise.reject(new Error("no span of this id")) : Promise.resolve(span);
    });
    assert.equal(root.traceId, line?.trace_id);
    const serviceOf = (route: unknown) => String(route).split("--")[0];
    assert.equal(serviceOf(line?.route), traced.name);
    assert.equal(serviceOf(root.attributes["gateway.route"]), traced.name);
    assert.equal(completed, "envoy_cluster_traced__root_upstream_rq_completed");
  });
});
