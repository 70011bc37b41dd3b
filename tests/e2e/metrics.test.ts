import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { GATEWAY_LABEL, grpcCalls, namesOf, ruleMetric } from "../../components/telemetry/metricNames";
import { configRejects, limiterErrorShare, proxiesWithout } from "../../components/telemetry/queries";
import type { Service } from "../../config";
import type { RuleGroup } from "../../kinds/ruleGroups";
import { METRICS_URL, SCRAPE_FILE } from "../../lab/backends";
import { apiAccess } from "../../lab/controlPlane";
import { eventually } from "../../lab/processes";
import { request, stackOutputs, trustFile } from "../../lab/probe";
import { grpcCalls as callGrpc } from "./support/clients";
import { numbered } from "../support/stacks";
import { deploy, destroy, theLab, type Values } from "./support/lab";

const STACK = "metrics";
const DOMAIN = "metrics.test";
const GATEWAY = "metrics";
const NAMESPACE = "metrics-system";
const HTTP_FILTERS = ["unified-gateway.global-rate-limit", "unified-gateway.local-rate-limit", "unified-gateway.retry"];
const OWNER = { name: GATEWAY, namespace: NAMESPACE };

const values: Values = {
  domain: DOMAIN,
  gateway: { name: GATEWAY, namespace: NAMESPACE, address: "192.168.51.156" },
  telemetry: {
    metrics: { scrape: "config-map", interval: "1s" },
    dashboard: true,
    alerts: { availabilityPercent: 99, latency: "200ms" },
  },
  services: [
    { name: "vmagent", namespace: "monitoring", backends: [{ service: "vmagent-vmagent", port: 8429 }] },
    {
      name: "shop",
      namespace: "measured",
      port: 8080,
      paths: ["/", "/api"],
      rateLimit: [
        { type: "local", requests: 20, per: "hour" },
        { type: "global", requests: 1000, per: "day" },
      ],
      trafficPolicy: { outlierDetection: { consecutive5xxErrors: 100 } },
      // What the mirror gets is not counted for the service.
      mirror: { service: "shadow", port: 8080, percent: 100 },
    },
    { name: "calls", namespace: "measured", port: 50051, protocol: "grpc" },
  ],
  // Generous, because nothing here tests the timeout.
  rateLimitService: { timeout: "10s", replicas: 1 },
};

type Result = readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];

/** The store's answer to a query, now or at a time in seconds. */
async function query(expr: string, time?: number): Promise<Result> {
  const at = time === undefined ? [] : ["--data-urlencode", `time=${time}`];
  const curl = ["curl", "-sf", "--data-urlencode", `query=${expr}`, ...at, `${METRICS_URL}/api/v1/query`];
  return (JSON.parse(await theLab().output(curl)) as { data: { result: Result } }).data.result;
}

/** The sum of a counter's latest values in the store, 0 if there are none. */
async function count(selector: string): Promise<number> {
  return Number((await query(`sum(${selector})`))[0]?.value[1] ?? 0);
}

/** The sum of what was counted for a service's rules. */
async function countOf({ rules }: Service, metric: Parameters<typeof ruleMetric>[1], labels = ""): Promise<number> {
  const counts = await Promise.all(rules.map((rule) => count(`${ruleMetric(rule, metric)}{${labels}}`)));
  return counts.reduce((sum, one) => sum + one, 0);
}

describe("metrics", function () {
  this.timeout(300_000);
  let shop: Service<number>;
  let calls: Service<number>;
  let groups: RuleGroup[];
  const file = async (name: string, key: string) => {
    const json = await theLab().kubectl(["-n", NAMESPACE, "get", "configmap", `${GATEWAY}--${name}`, "-o", "json"]);
    return (JSON.parse(json) as { data: Record<string, string> }).data[key] ?? "";
  };
  const isMeasured = ({ name }: RuleGroup) => name !== `${GATEWAY}-vmagent`;
  const call = async (status: number, count: number) => {
    const caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    const seen = await callGrpc({ host: calls.host, caFile, method: "Unary", request: { status }, calls: count });
    assert.deepEqual(new Set(seen.map(({ code }) => code)), new Set([status]));
  };
  const get = (path: string) => request(theLab(), `https://shop.${DOMAIN}${path}`);

  before(async () => {
    const { services } = numbered(await deploy(STACK, values));
    const [, second, third] = services;
    assert.ok(second && third);
    [shop, calls] = [second, third];
    ({ groups } = parse(await file("alerts", "alerts.yaml")) as { groups: RuleGroup[] });
    // As in a pod, except for the API server's address and the credentials.
    const config = parse(await file("scrape", "scrape.yaml")) as {
      scrape_configs: { kubernetes_sd_configs: object[] }[];
    };
    for (const job of config.scrape_configs) {
      job.kubernetes_sd_configs = job.kubernetes_sd_configs.map((sd) => ({ ...sd, ...apiAccess() }));
    }
    writeFileSync(SCRAPE_FILE, stringify(config));
    await eventually("the routes", 30_000, async () => {
      assert.equal((await request(theLab(), `https://vmagent.${DOMAIN}/`)).status, 200);
    });
    assert.equal((await get("/api")).status, 200);
    await eventually("a call", 30_000, () => call(0, 1));
    // In a scrape from before the request, its counter is 0.
    await eventually("the scrape of the first request", 30_000, async () => {
      assert.equal(await countOf(shop, "upstream_rq_completed"), 1);
    });
  });
  after(async () => {
    writeFileSync(SCRAPE_FILE, "scrape_configs: []\n");
    await destroy(STACK);
  });

  it("are scraped by vmagent from the gateway's Envoy, and written to a store", async () => {
    const { address } = theLab().snapshot.backends.find(({ service }) => service === "vmagent-vmagent") ?? {};
    const targets = JSON.parse(
      await theLab().output(["curl", "-s", `http://${address ?? ""}:8429/api/v1/targets`]),
    ) as {
      data: { activeTargets: { scrapeUrl: string; health: string; labels: Record<string, string> }[] };
    };
    const [target, ...more] = targets.data.activeTargets;
    assert.deepEqual(more, []);
    const [pod] = await theLab().gatewayPods(GATEWAY);
    assert.equal(target?.scrapeUrl, `http://${pod?.address}:15090/stats/prometheus`);
    assert.equal(target.health, "up");
    assert.equal(target.labels[GATEWAY_LABEL], GATEWAY);
    const [up] = await query(`up{${GATEWAY_LABEL}="${GATEWAY}"}`);
    assert.equal(up?.value[1], "1");
  });

  it("count a service's requests by status, for all rules together, and those that its limit refused", async () => {
    const names = namesOf(shop);
    const requests = (kind: string) => countOf(shop, "upstream_rq", `response_code_class="${kind}"`);
    for (const path of ["/", "/api", "/?sleep=300", "/?status=404", "/?status=500", "/?status=500"]) {
      await get(path);
    }
    const statuses: number[] = [];
    while (statuses.length < 30) {
      statuses.push((await get("/")).status);
    }
    const refused = statuses.filter((status) => status === 429).length;
    const passed = statuses.filter((status) => status === 200).length;
    assert.ok(refused > 0);
    await eventually("the counters", 20_000, async () => {
      // The first one was sent earlier.
      assert.equal(await requests("2xx"), 1 + 3 + passed);
      assert.equal(await requests("4xx"), 1);
      assert.equal(await requests("5xx"), 2);
      assert.equal(await count(names.rateLimited), refused);
    });
  });

  it("answer every query of the dashboard", async () => {
    const board = JSON.parse(await file("dashboard", `${NAMESPACE}.${GATEWAY}.json`)) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const queries = board.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    assert.equal(queries.length, 31);
    await eventually("data for every query", 30_000, async () => {
      const empty: string[] = [];
      // Latencies are known only while there are requests.
      await request(theLab(), `https://vmagent.${DOMAIN}/`);
      await call(0, 1);
      for (const { title, expr } of queries) {
        const result = await query(expr.replaceAll("$__rate_interval", "2m"));
        if (result.length === 0 || result.some(({ value }) => value[1] === "NaN")) {
          empty.push(`${title}: ${expr} ${JSON.stringify(result)}`);
        }
      }
      assert.deepEqual(empty, []);
    });
  });

  it("count gRPC calls by gRPC status, although their HTTP status is 200", async () => {
    await call(13, 3);
    await call(5, 2);
    await eventually("the counters", 20_000, async () => {
      const counted = async (status: number | "total") =>
        Number((await query(grpcCalls(calls, OWNER, status)))[0]?.value[1]);
      const ok = await countOf(calls, "upstream_rq", 'response_code_class="2xx"');
      assert.deepEqual([await counted(13), await counted("total")], [3, ok]);
      assert.equal(await countOf(calls, "upstream_rq", 'response_code_class="5xx"'), 0);
    });
  });

  it("count the rate limit service's answers", async () => {
    await get("/");
    await eventually("the share", 20_000, async () => {
      assert.equal((await query(limiterErrorShare(OWNER, "5m")))[0]?.value[1], "0");
    });
  });

  it("count the route tables that Envoy rejects, for both listeners, and the filters", async () => {
    const tables = await query(`{__name__=~"envoy_http_.*rds_.*_update_rejected",${GATEWAY_LABEL}="${GATEWAY}"}`);
    const listeners = tables.map(({ metric, value }) => [metric.http_conn_manager_prefix, value[1]]);
    assert.deepEqual(listeners.sort(), [
      ["outbound_0.0.0.0_443", "0"],
      ["outbound_0.0.0.0_80", "0"],
    ]);
    const { routes, filters } = configRejects(OWNER, "10m", HTTP_FILTERS);
    for (const expr of [routes, filters]) {
      assert.equal((await query(expr ?? ""))[0]?.value[1], "0", expr);
    }
  });

  it("show that each proxy has every HTTP filter, and would show if one were missing", async () => {
    const [page] = groups.filter(isMeasured);
    const missing = (page?.rules ?? []).filter(({ alert }) => alert === "GatewayFilterMissing");
    const filters = missing.map(({ labels }) => String(labels.filter));
    assert.deepEqual(filters, HTTP_FILTERS);
    for (const filter of filters) {
      assert.equal((await query(proxiesWithout(filter, OWNER)))[0]?.value[1], "0", filter);
    }
    assert.equal((await query(proxiesWithout("unified-gateway.none", OWNER)))[0]?.value[1], "1");
  });

  it("contain the data that every alert needs", async () => {
    // Nothing failed in vmagent, so there is no counter of its errors.
    for (const { alert, expr } of groups.filter(isMeasured).flatMap(({ rules }) => rules)) {
      // A rate needs two scrapes of its counter.
      await eventually(`data for ${alert}`, 60_000, async () => {
        const result = await query(expr.replace(/ (<|>|==) [\d.]+/g, ""));
        assert.ok(result.length > 0, expr);
      });
    }
  });
});
