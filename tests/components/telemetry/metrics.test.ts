import assert from "node:assert/strict";
import { GatewayMetrics, statsAnnotations } from "../../../components/telemetry/metrics";
import { ruleGroups } from "../../../components/telemetry/alertRules";
import { dashboards } from "../../../components/telemetry/dashboard";
import { namesOf, ruleRates } from "../../../components/telemetry/metricNames";
import { routeTelemetryPatches } from "../../../components/telemetry/telemetry";
import { errorShare } from "../../../components/telemetry/queries";
import { scrapeConfig } from "../../../components/telemetry/scrape";
import { infrastructurePatches } from "../../../components/entry/infrastructure";
import type { StackConfig } from "../../../config";
import { prometheusDuration } from "../../../config/values/duration";
import { only, register, type Registered } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { refuses as refusesConfig, plain, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

const alerts = { availabilityPercent: 99, latency: "1m30s", certificateExpiresWithin: "7d" };

const GATEWAY = { name: "edge", namespace: "gateways" };
/** Selects its series. */
const OWN = 'gateway_networking_k8s_io_gateway_name="edge",namespace="gateways"';

const config = (telemetry: Values, own: Values = {}): StackConfig<number> =>
  stack({ telemetry, services: [{ name: "my-web", namespace: "apps", port: 8080, telemetry: own }] });

const deploy = (telemetry: Values): Promise<Registered[]> => {
  const { services, telemetry: given } = config(telemetry);
  const args = { telemetry: given, services, gateway: GATEWAY };
  return register(() => new GatewayMetrics("edge-metrics", args));
};

describe("components/metrics", () => {
  it("creates nothing, and requests no counters, if the stack has no metrics", async () => {
    assert.equal((await deploy({})).length, 1);
    assert.deepEqual(statsAnnotations({ dashboard: false }), {});
  });

  it("requests counters along with the Gateway's client address annotation", () => {
    const gateway = { clientAddress: { trustedProxies: 1 } };
    const { gateway: config, telemetry } = stack({ gateway, telemetry: { metrics: { scrape: "config-map" } } });
    const { deployment } = infrastructurePatches(config, statsAnnotations(telemetry));
    const { template } = deployment.spec as { template: { metadata: { annotations: object } } };
    assert.deepEqual(Object.keys(template.metadata.annotations), [
      "proxy.istio.io/config",
      "sidecar.istio.io/statsInclusionSuffixes",
      "sidecar.istio.io/statsInclusionRegexps",
    ]);
  });

  it("has a PodMonitor and a PrometheusRule for the Prometheus Operator, as in its CRDs", async () => {
    const resources = await deploy({
      metrics: { scrape: "prometheus-operator", labels: { release: "prometheus" } },
      alerts,
    });
    assert.deepEqual(schemaErrors("standard", resources), []);
    const { inputs } = only(resources, "kubernetes:monitoring.coreos.com/v1:PodMonitor");
    assert.deepEqual(inputs.metadata, {
      name: "edge--scrape",
      namespace: "gateways",
      labels: {
        "app.kubernetes.io/part-of": "edge",
        "unified-gateway/gateway-namespace": "gateways",
        release: "prometheus",
      },
    });
    assert.deepEqual(inputs.spec, {
      selector: { matchLabels: { "gateway.networking.k8s.io/gateway-name": "edge" } },
      podTargetLabels: ["gateway.networking.k8s.io/gateway-name"],
      podMetricsEndpoints: [{ port: "http-envoy-prom", path: "/stats/prometheus", interval: "30s" }],
    });
    only(resources, "kubernetes:monitoring.coreos.com/v1:PrometheusRule");
    assert.equal(resources.length, 3);
  });

  it("has a VMPodScrape and a VMRule with the same content for the VictoriaMetrics Operator", async () => {
    const prometheus = await deploy({ metrics: { scrape: "prometheus-operator" }, alerts });
    const victoria = await deploy({ metrics: { scrape: "victoriametrics-operator" }, alerts });
    for (const [one, other] of [
      ["PodMonitor", "VMPodScrape"],
      ["PrometheusRule", "VMRule"],
    ] as const) {
      assert.deepEqual(
        only(victoria, `kubernetes:operator.victoriametrics.com/v1beta1:${other}`).inputs.spec,
        only(prometheus, `kubernetes:monitoring.coreos.com/v1:${one}`).inputs.spec,
      );
    }
  });

  it("has plain files if there is no operator, and a dashboard if configured", async () => {
    const resources = await deploy({ metrics: { scrape: "config-map", interval: "5s" }, alerts, dashboard: true });
    const maps = resources.filter(({ type }) => type === "kubernetes:core/v1:ConfigMap");
    assert.deepEqual(
      maps.map(({ inputs }) => [
        (inputs.metadata as { name: string }).name,
        Object.keys(inputs.data as object),
        (inputs.metadata as { labels: Record<string, string> }).labels.grafana_dashboard,
      ]),
      [
        ["edge--scrape", ["scrape.yaml"], undefined],
        ["edge--alerts", ["alerts.yaml"], undefined],
        ["edge--dashboard", ["gateways.edge.json"], "1"],
      ],
    );
    const given = config({ metrics: { scrape: "config-map", interval: "5s" } }).telemetry.metrics;
    assert.ok(given);
    assert.match(JSON.stringify(scrapeConfig(given, GATEWAY)), /"scrape_interval":"5s".*"\$1:15090"/);
  });

  it("shows what limits would refuse that are not enforced", () => {
    const legends = (rateLimit: unknown) => {
      const { services } = stack({ services: [{ name: "my-web", namespace: "apps", rateLimit }] });
      const text = JSON.stringify(dashboards(services, GATEWAY));
      return [...text.matchAll(/"expr":"([^{]*)\{[^}]*\}[^"]*","legendFormat":"([a-z]+) limit not enforced"/g)].map(
        ([, expr, kind]) => [kind, expr],
      );
    };
    const limit = { requests: 1, per: "hour" };
    assert.deepEqual(legends({ type: "local", ...limit }), []);
    assert.deepEqual(
      legends([
        { type: "local", ...limit, enforce: false },
        { type: "global", ...limit, enforce: false },
      ]),
      [
        ["local", "sum(rate(envoy_my_web__not_enforced_http_local_rate_limit_rate_limited"],
        ["global", "sum(rate(envoy_cluster_ratelimit_not_enforced_ratelimit_over_limit"],
      ],
    );
  });

  it("names metrics as Envoy does", () => {
    const [service] = config({}).services;
    assert.ok(service);
    assert.deepEqual(namesOf(service), {
      rateLimited: "envoy_my_web_http_local_rate_limit_rate_limited",
      notEnforced: {
        local: "envoy_my_web__not_enforced_http_local_rate_limit_rate_limited",
        global: "envoy_cluster_ratelimit_not_enforced_ratelimit_over_limit",
      },
      clusters: String.raw`cluster_name=~"outbound\\|8080\\|\\|my-web\\.apps\\.svc\\.cluster\\.local"`,
    });
    assert.equal(
      ruleRates(service, "upstream_rq", 'a="b"', "5m"),
      'rate(envoy_cluster_my_web__root_upstream_rq{a="b"}[5m])',
    );
  });

  it("adds up the rules of a service, whose rates have the same labels", () => {
    const [service] = stack({ services: [{ name: "web", namespace: "apps", paths: ["/", "/api"] }] }).services;
    assert.ok(service);
    const part = (name: string, metric: string) => `label_replace(rate(${metric}{}[5m]), "part", "${name}", "", "")`;
    assert.equal(
      ruleRates(service, "upstream_rq_completed", "", "5m"),
      `(${[
        part("web--api", "envoy_cluster_web__api_upstream_rq_completed"),
        part("web--root", "envoy_cluster_web__root_upstream_rq_completed"),
      ].join(" or ")})`,
    );
  });

  it("has the router count by rule, with one patch for all services", () => {
    const services = Array.from({ length: 3 }, (_, index) => ({ name: `web-${index}`, namespace: "apps" }));
    const patches = (telemetry: Values) => routeTelemetryPatches(stack({ services, telemetry }));
    const [patch, ...more] = patches({ metrics: { scrape: "config-map" } });
    assert.deepEqual(more, []);
    assert.deepEqual([patch?.applyTo, patch?.patch.value.name], ["HTTP_FILTER", "unified-gateway.counters"]);
    assert.match(JSON.stringify(patch), /"key":"x-envoy-upstream-alt-stat-name","value":"%ROUTE_NAME%"/);
    assert.deepEqual(patches({}), []);
  });

  it("compares with the objectives of the stack and the service", () => {
    const thresholds = (own: Values) => {
      const { services, telemetry } = config({ metrics: { scrape: "config-map" }, alerts }, own);
      assert.ok(telemetry.alerts);
      const rules = ruleGroups({ services, alerts: telemetry.alerts, gateway: GATEWAY }).flatMap(
        (group) => group.rules,
      );
      return Object.fromEntries(
        rules.map(({ alert, expr, for: wait }) => [alert, [/(<|>|==) \S+$/.exec(expr)?.[0], wait]]),
      );
    };
    assert.deepEqual(thresholds({}), {
      GatewayCertificateExpires: ["< 604800", "10m"],
      GatewayConfigRejected: ["> 0", "0m"],
      GatewayDown: ["== 0", "2m"],
      GatewayErrorBudgetBurns: ["> 0.144", "2m"],
      GatewayLatency: ["> 90000", "10m"],
      GatewayNoHealthyBackend: ["== 0", "2m"],
    });
    const [first] = ruleGroups({
      ...config({}),
      alerts: { availabilityPercent: 99, latency: "1s", certificateExpiresWithin: "7d" },
      gateway: GATEWAY,
      rateLimitService: { namespace: "limits" },
    });
    const limiter = first?.rules.find(({ alert }) => alert === "GatewayRateLimitServiceDown");
    assert.match(
      limiter?.expr ?? "",
      /cluster_name="outbound\|8081\|\|edge--rate-limit-[0-9a-f]{10}\.limits\.svc.* == 0 or .* > 0\.05$/,
    );
    assert.ok(!first?.rules.some(({ alert }) => alert === "GatewayFilterMissing"));
    assert.ok(!first?.rules.some(({ alert }) => alert === "GatewayProxiesMissing"));
    const own = thresholds({ alerts: { availabilityPercent: 99.9, latency: "300ms" } });
    assert.deepEqual([own.GatewayErrorBudgetBurns?.[0], own.GatewayLatency?.[0]], ["> 0.0144", "> 300"]);
  });

  it("counts failed gRPC calls, whose HTTP status is 200, and their share of all", () => {
    const [service] = stack({
      services: [{ name: "calls", namespace: "apps", port: 50051, protocol: "grpc" }],
    }).services;
    assert.ok(service);
    const { clusters } = namesOf(service);
    const failed = [2, 4, 12, 13, 14, 15].map(
      (status) => `(sum(rate(envoy_cluster_grpc_${status}{${clusters},${OWN}}[5m])) or vector(0))`,
    );
    assert.equal(
      errorShare(service, GATEWAY, "5m"),
      `(${failed.join(" + ")}) / sum(rate(envoy_cluster_grpc_total{${clusters},${OWN}}[5m]))`,
    );
    const kept = statsAnnotations(stack({ telemetry: { metrics: { scrape: "config-map" } } }).telemetry);
    const suffixes = kept["sidecar.istio.io/statsInclusionSuffixes"]?.split(",") ?? [];
    for (const suffix of ["grpc.total", "grpc.2", "grpc.15", "ratelimit.error"]) {
      assert.ok(suffixes.includes(suffix), suffix);
    }
    const regexps = (kept["sidecar.istio.io/statsInclusionRegexps"] ?? "").split(",");
    const isKept = (counter: string) => regexps.some((regexp) => new RegExp(`^${regexp}$`).test(counter));
    assert.ok(isKept("http.outbound_0.0.0.0_443;.rds.https.443.default.edge.gateways.update_rejected"));
    assert.ok(isKept("extension_config_discovery.http_filter.unified-gateway.access.update_rejected"));
    assert.ok(!isKept("cluster.web;.update_rejected"));
  });

  it("reads only its own gateway's series, wherever others of its name, host and backends are", () => {
    const services = stack({
      services: [
        { name: "web", namespace: "apps", rateLimit: { type: "local", requests: 1, per: "second" } },
        { name: "calls", namespace: "apps", protocol: "grpc", trafficPolicy: { outlierDetection: {} } },
      ],
    }).services;
    const { panels, uid, title } = plain(dashboards(services, GATEWAY, ["a", "b"])[0]) as {
      panels: { targets?: { expr: string }[] }[];
      uid: string;
      title: string;
    };
    const rules = ruleGroups({
      services,
      alerts: { availabilityPercent: 99, latency: "1s", certificateExpiresWithin: "7d" },
      gateway: GATEWAY,
      rateLimitService: { namespace: "limits" },
    }).flatMap((group) => group.rules);
    const queries = [...panels.flatMap(({ targets = [] }) => targets), ...rules].map(({ expr }) => expr);
    assert.equal(queries.length, 7 + 8 + 8 + 10);
    for (const expr of queries) {
      assert.equal(expr.split(OWN).length - 1, expr.match(/envoy_/g)?.length, expr);
    }
    assert.equal(title, "Gateway gateways/edge");
    const elsewhere = plain(dashboards(services, { ...GATEWAY, namespace: "other" })[0]) as { uid: string };
    assert.match(uid, /^gateway-[0-9a-f]{10}$/);
    assert.notEqual(uid, elsewhere.uid);
    for (const { labels } of rules) {
      assert.deepEqual([labels.gateway, labels.namespace], ["edge", "gateways"]);
    }
  });

  it("gives each panel of the dashboard its own place and id", () => {
    const { services } = config({});
    const [board] = dashboards(services, GATEWAY);
    const { panels } = plain(board) as { panels: { id: number; gridPos: object }[] };
    assert.equal(panels.length, 1 + 3 + 1 + 4);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    assert.equal(new Set(panels.map(({ gridPos }) => JSON.stringify(gridPos))).size, panels.length);
  });
});

describe("components/gatewayMetrics, many services", () => {
  const many = (scrape: string, count: number) =>
    stack({
      services: Array.from({ length: count }, (_, index) => ({ name: `service-${index}`, namespace: "apps" })),
      telemetry: { metrics: { scrape }, alerts: {}, dashboard: true },
    });
  const deployMany = async (scrape: string, count: number) => {
    const { services, telemetry } = many(scrape, count);
    const gateway = { name: "edge", namespace: "gateways" };
    return register(() => new GatewayMetrics("edge", { services, telemetry, gateway }));
  };
  const PAGE = 256 * 1024;
  /** Resources are registered in any order. */
  const inOrder = (resources: Registered[]) => resources.sort((a, b) => (a.name < b.name ? -1 : 1));

  it("have their panels and alerts in several objects, each small, and together complete", async () => {
    const resources = await deployMany("prometheus-operator", 300);
    const boards = inOrder(resources.filter(({ type }) => type.endsWith(":ConfigMap")));
    const files = boards.map(
      ({ inputs }) => Object.entries(inputs.data as Record<string, string>)[0] ?? (["", ""] as const),
    );
    assert.deepEqual(
      files.map(([file]) => file),
      ["gateways.edge.json", "gateways.edge-2.json", "gateways.edge-3.json", "gateways.edge-4.json"],
    );
    assert.ok(
      files.every(([, text]) => text.length < PAGE * 1.2),
      files.map(([, text]) => text.length).join(),
    );
    const parsed = files.map(
      ([, text]) => JSON.parse(text) as { uid: string; title: string; panels: { type: string; title: string }[] },
    );
    const uid = parsed[0]?.uid ?? "";
    assert.deepEqual(parsed.map((board) => [board.uid, board.title]).slice(0, 2), [
      [uid, "Gateway gateways/edge, 1 of 4"],
      [`${uid}-2`, "Gateway gateways/edge, 2 of 4"],
    ]);
    const rows = parsed.flatMap(({ panels }) => panels.filter(({ type }) => type === "row").map(({ title }) => title));
    assert.deepEqual(
      rows.filter((title) => !title.startsWith("Gateway ")),
      Array.from({ length: 300 }, (_, index) => `service-${index}.example.test`),
    );
    const rules = resources.filter(({ type }) => type.endsWith(":PrometheusRule"));
    assert.deepEqual(rules.map(({ name }) => name).sort(), ["edge-alerts", "edge-alerts-2", "edge-alerts-3"]);
    const groups = rules.flatMap(({ inputs }) => (inputs.spec as { groups: { name: string }[] }).groups);
    assert.equal(new Set(groups.map(({ name }) => name)).size, 300 + 1);
    assert.ok(rules.every(({ inputs }) => JSON.stringify(inputs.spec).length <= PAGE));
  });

  it("have plain files of different names without an operator", async () => {
    const resources = await deployMany("config-map", 200);
    const files = resources.flatMap(({ inputs }) => Object.keys(inputs.data ?? {})).sort();
    assert.deepEqual(files, [
      "alerts-2.yaml",
      "alerts.yaml",
      "gateways.edge-2.json",
      "gateways.edge-3.json",
      "gateways.edge.json",
      "scrape.yaml",
    ]);
  });
});

describe("config/telemetry, metrics", () => {
  const refuses = (telemetry: Values, own: Values, path: string, reason: RegExp) => {
    refusesConfig({ telemetry, services: [{ name: "web", namespace: "apps", telemetry: own }] }, path, reason);
  };
  const metrics = { scrape: "config-map" };

  it("refuses unknown readers, invalid labels, and objectives out of bounds", () => {
    refuses({ metrics: { scrape: "prometheus" } }, {}, "telemetry.metrics.scrape", /victoriametrics-operator/);
    refuses({ metrics: { ...metrics, interval: "0s" } }, {}, "telemetry.metrics.interval", /above 0/);
    refuses({ metrics: { ...metrics, labels: { a: "b c" } } }, {}, "telemetry.metrics.labels.a", /label's value/);
    refuses({ metrics, alerts: { availabilityPercent: 100 } }, {}, "telemetry.alerts.availabilityPercent", /90 to 99/);
    refuses(
      { metrics, alerts: { certificateExpiresWithin: "0d" } },
      {},
      "telemetry.alerts.certificateExpiresWithin",
      /from 1d to 90d/,
    );
    refuses({ metrics, alerts: {} }, { alerts: {} }, "services[0].telemetry.alerts", /at least one of/);
  });

  it("refuses alerts and dashboards without metrics", () => {
    refuses({ alerts: {} }, {}, "telemetry.alerts", /not allowed without telemetry\.metrics/);
    refuses({ dashboard: true }, {}, "telemetry.dashboard", /not allowed without telemetry\.metrics/);
    refuses(
      { metrics },
      { alerts: { latency: "1s" } },
      "services[0].telemetry.alerts",
      /the stack's telemetry\.alerts/,
    );
  });
});

describe("config/duration", () => {
  it("writes durations as Prometheus expects them", () => {
    assert.deepEqual(["30s", "1s1m", "1m1m", "90s", "1500ms", "0h1ms"].map(prometheusDuration), [
      "30s",
      "1m1s",
      "2m",
      "1m30s",
      "1s500ms",
      "1ms",
    ]);
  });
});
