import { clusterName, grpcCalls, ofGateway, ruleMetric } from "../../../components/telemetry/metricNames";
import type { GatewayRef } from "../../../components/shared/naming";
import type { Service } from "../../../config";

/** HTTP filters that the gateway has. One of them is missing in some cases. */
export const HTTP_FILTERS = ["unified-gateway.access", "unified-gateway.limits"] as const;
const [HTTP_FILTER] = HTTP_FILTERS;

/** Value of each series at a minute. */
export type Samples = (minute: number) => Record<string, number>;

/** Samples for which an alert fires, and similar ones for which it must not. */
export interface AlertCase {
  readonly what: string;
  readonly alert: string;
  readonly firing: Samples;
  /** Minute from which the condition holds; the alert's `for` starts here. */
  readonly since: number;
  /** Minute from which the alert is quiet again. Default: it keeps firing. */
  readonly until?: number;
  readonly quiet: Readonly<Record<string, Samples>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** For a gateway with an HTTP and a gRPC service that promise 99 % and 200 ms. */
export function alertCases(shop: Service<number>, calls: Service<number>, gateway: GatewayRef): AlertCase[] {
  const others = [{ name: "another" }, { namespace: "another" }].map((other) => ofGateway({ ...gateway, ...other }));
  return casesOf(shop, calls, gateway).map((one) => {
    const elsewhere: Samples = (minute) => ({
      ...Object.fromEntries(["a", "b"].map((pod) => [liveSeries(gateway, pod), 1])),
      ...Object.fromEntries(
        Object.entries(one.firing(minute)).flatMap(([series, value]) =>
          others.map((other) => [series.replace(ofGateway(gateway), other), value]),
        ),
      ),
    });
    return { ...one, quiet: { ...one.quiet, "the same at gateways of another name or namespace": elsewhere } };
  });
}

/** Whether a proxy runs. */
function liveSeries(gateway: GatewayRef, pod: string): string {
  return `envoy_server_live{${ofGateway(gateway)},pod="${pod}"}`;
}

function casesOf(shop: Service<number>, calls: Service<number>, gateway: GatewayRef): AlertCase[] {
  const own = ofGateway(gateway);
  /** A sample of the shop's, of which each rule has the same share. */
  const ofRules = (metric: Parameters<typeof ruleMetric>[1], labels: string, value: number) =>
    shop.rules.map((rule) => [`${ruleMetric(rule, metric)}{${labels}}`, value / shop.rules.length] as const);
  const [backend] = shop.rules[0]?.backends ?? [];
  const cluster = clusterName(backend ?? { service: "", namespace: "", port: 0 });

  // At 99 % availability the budget is 1 %, which burns too fast above 14.4 % errors.
  const failing =
    (percent: number, from = 0, to = Infinity): Samples =>
    (minute) =>
      Object.fromEntries([
        ...ofRules("upstream_rq_completed", own, minute * 100),
        ...ofRules("upstream_rq", `response_code_class="2xx",${own}`, minute * (100 - percent)),
        ...ofRules(
          "upstream_rq",
          `response_code_class="5xx",${own}`,
          (Math.max(Math.min(minute, to), from) - from) * percent,
        ),
      ]);
  // A series of the gRPC service's only cluster.
  const [callee] = calls.rules[0]?.backends ?? [];
  const ended = (status: number | "total") =>
    grpcCalls(calls, gateway, status).replace(
      /\{.*\}/,
      `{cluster_name="${clusterName(callee ?? { service: "", namespace: "", port: 0 })}",${own}}`,
    );
  const calling =
    (perMinute: Readonly<Record<number, number>>): Samples =>
    (minute) => ({
      [ended("total")]: minute * 100,
      ...Object.fromEntries(
        Object.entries(perMinute).map(([status, count]) => [ended(Number(status)), minute * count] as const),
      ),
    });
  // 95 of 100 within 200 ms.
  const slow =
    (percent: number): Samples =>
    (minute) =>
      Object.fromEntries(
        Object.entries({ "100": 100 - percent, "250": 100 - percent, "500": 100, "+Inf": 100 }).flatMap(([le, count]) =>
          ofRules("upstream_rq_time_bucket", `le="${le}",${own}`, minute * count),
        ),
      );
  // A test's clock starts at 0, so a certificate's expiry time is also its remaining time at the start.
  const ends = `envoy_listener_0_0_0_0_443_ssl_certificate_x_expiration_unix_time_seconds{${own}}`;
  const fortnight = 14 * 86_400;
  const rejected =
    (series: string): Samples =>
    (minute) => ({ [series]: minute < 65 ? 3 : 4 });
  const steady =
    (series: Readonly<Record<string, number>>): Samples =>
    () => ({ ...series });
  const routes = (port: number) =>
    `envoy_http_rds_table_${port}_update_rejected{${own},http_conn_manager_prefix="outbound_0.0.0.0_${port}"}`;
  const filter = (name: string) =>
    `envoy_extension_config_discovery_http_filter_unified_gateway_${name}_update_rejected{${own}}`;
  const healthy = (pod: string) => `envoy_cluster_membership_healthy{${own},cluster_name="${cluster}",pod="${pod}"}`;
  const limiter = `envoy_cluster_membership_healthy{${own},cluster_name="outbound|8081||${gateway.name}--rate-limit.gateways.svc.cluster.local"}`;
  const unanswered =
    (percent: number): Samples =>
    (minute) => ({
      [limiter]: 2,
      [`envoy_cluster_ratelimit_ok{${own}}`]: minute * (60 - percent),
      [`envoy_cluster_ratelimit_over_limit{${own}}`]: minute * 40,
      [`envoy_cluster_ratelimit_error{${own}}`]: minute * percent,
    });

  const live = (pod: string) => liveSeries(gateway, pod);
  const loads = (pod: string, name = "access") =>
    `envoy_extension_config_discovery_http_filter_unified_gateway_${name}_config_reload{${own},pod="${pod}"}`;
  const proxies = Object.fromEntries(
    ["a", "b"].flatMap((pod) => [
      [`envoy_listener_manager_lds_update_rejected{${own},pod="${pod}"}`, 0],
      [loads(pod, "limits"), 1],
    ]),
  );

  const identity = { gateway: gateway.name, namespace: gateway.namespace };
  const gatewayLabels = { severity: "warning", ...identity };
  const called = `${gateway.namespace}/${gateway.name}`;
  const burns = {
    alert: "GatewayErrorBudgetBurns",
    since: 1,
  };
  const refuses = {
    alert: "GatewayConfigRejected",
    since: 65,
    // The last rejection was ten minutes ago.
    until: 75,
    labels: gatewayLabels,
    summary: `Envoy rejected configuration of gateway ${called} and keeps the last good one`,
  };
  const limiterDown = {
    alert: "GatewayRateLimitServiceDown",
    labels: gatewayLabels,
    summary: `The rate limit service of gateway ${called} does not answer: global limits are not counted`,
  };
  return [
    {
      ...burns,
      what: "5xx above the rate, until they end",
      firing: failing(16, 0, 40),
      until: 41,
      quiet: { "5xx below the rate": failing(13), "all fail for four minutes of an hour": failing(100, 60, 64) },
      labels: { severity: "critical", ...identity, service: shop.name },
      summary: `${shop.host} has too many errors for 99 % availability`,
    },
    {
      ...burns,
      what: "gRPC calls that end with INTERNAL or UNAVAILABLE, and HTTP 200",
      firing: calling({ 13: 6, 14: 10 }),
      quiet: { "fewer of them": calling({ 13: 3, 14: 10 }), "NOT_FOUND, and no other": calling({ 5: 50 }) },
      labels: { severity: "critical", ...identity, service: calls.name },
      summary: `${calls.host} has too many errors for 99 % availability`,
    },
    {
      alert: "GatewayLatency",
      what: "7 of 100 requests take longer",
      firing: slow(7),
      since: 1,
      quiet: { "3 of 100 requests take longer": slow(3) },
      labels: { severity: "warning", ...identity, service: shop.name },
      summary: `More than 5 % of the requests to ${shop.host} take longer than 200ms`,
    },
    {
      alert: "GatewayCertificateExpires",
      what: "a certificate comes into its last 14 days",
      firing: steady({ [ends]: fortnight + 30 * 60 }),
      since: 31,
      quiet: {
        "a certificate with 15 days": steady({ [ends]: 15 * 86_400 }),
        "one that is renewed before ten minutes are over": (minute) => ({
          [ends]: fortnight + (minute < 40 ? 30 * 60 : 86_400),
        }),
      },
      labels: gatewayLabels,
      summary: `The certificate of gateway ${called} expires in less than 14 days`,
    },
    ...["envoy_listener_manager_lds_update_rejected", "envoy_cluster_manager_cds_update_rejected"].map((counter) => ({
      ...refuses,
      what: counter,
      firing: rejected(`${counter}{${own}}`),
      quiet: {
        "refused before it was looked at": steady({ [`${counter}{${own}}`]: 3 }),
      },
    })),
    {
      ...refuses,
      what: "a route table, where there are several",
      firing: (minute) => ({ [routes(80)]: 0, ...rejected(routes(443))(minute) }),
      quiet: { "refused before it was looked at": steady({ [routes(80)]: 1, [routes(443)]: 3 }) },
    },
    {
      ...refuses,
      what: "a filter that is sent on its own",
      firing: (minute) => ({ [filter("limits")]: 1, ...rejected(filter("access"))(minute) }),
      quiet: { "refused before it was looked at": steady({ [filter("limits")]: 1, [filter("access")]: 3 }) },
    },
    {
      alert: "GatewayDown",
      what: "the last proxy is gone, until there is one again",
      firing: (minute) => ({ [live("a")]: minute < 10 || minute >= 30 ? 1 : 0 }),
      since: 10,
      until: 30,
      quiet: { "one proxy of two is left": (minute) => ({ [live("a")]: 1, [live("b")]: minute < 10 ? 1 : 0 }) },
      labels: { severity: "critical", ...identity },
      summary: `No proxy of gateway ${called} is running`,
    },
    {
      alert: "GatewayProxiesMissing",
      what: "one of two is gone, or not live",
      firing: (minute) => ({ [live("a")]: 1, [live("b")]: minute < 10 ? 1 : 0 }),
      since: 10,
      quiet: {
        "one is replaced within nine minutes": (minute) => ({
          [live("a")]: 1,
          [live("b")]: minute < 10 || minute > 19 ? 1 : 0,
        }),
      },
      labels: { severity: "warning", ...identity },
      summary: `Gateway ${called} has 1 proxies instead of at least 2`,
    },
    {
      alert: "GatewayAutoscalerAtMaximum",
      what: "there are as many as there may be",
      firing: (minute) => ({
        [live("a")]: 1,
        [live("b")]: 1,
        [live("c")]: minute < 10 ? 0 : 1,
      }),
      since: 10,
      quiet: { "one fewer": steady({ [live("a")]: 1, [live("b")]: 1 }) },
      labels: { severity: "warning", ...identity },
      summary: `The autoscaler of gateway ${called} is at its maximum of 3: under more load, requests get slower`,
    },
    {
      alert: "GatewayFilterMissing",
      what: "one of two proxies lacks the filter, until it has it",
      firing: (minute) => ({ ...proxies, [loads("a")]: 2, [loads("b")]: minute < 10 || minute >= 30 ? 1 : 0 }),
      since: 10,
      until: 30,
      quiet: {
        "both have it": steady({ ...proxies, [loads("a")]: 2, [loads("b")]: 1 }),
        "a new one lacks it for four minutes": (minute) => ({
          ...proxies,
          [loads("a")]: 1,
          [loads("b")]: minute < 10 || minute > 14 ? 1 : 0,
        }),
      },
      labels: { severity: "critical", ...identity, filter: HTTP_FILTER },
      summary: `1 proxies of gateway ${called} lack the HTTP filter ${HTTP_FILTER}`,
    },
    {
      alert: "GatewayFilterMissing",
      what: "no proxy has the filter",
      firing: steady(proxies),
      since: 0,
      quiet: { "there is no proxy": steady({}) },
      labels: { severity: "critical", ...identity, filter: HTTP_FILTER },
      summary: `2 proxies of gateway ${called} lack the HTTP filter ${HTTP_FILTER}`,
    },
    {
      ...limiterDown,
      what: "no Pod is ready",
      firing: (minute) => ({ [limiter]: minute < 10 ? 2 : 0 }),
      since: 10,
      quiet: {
        "one Pod is ready": (minute) => ({ [limiter]: minute < 10 ? 2 : 1 }),
        "none for four minutes": (minute) => ({ [limiter]: minute < 10 || minute > 14 ? 2 : 0 }),
      },
    },
    {
      ...limiterDown,
      what: "7 of 100 questions are not answered",
      firing: unanswered(7),
      since: 1,
      quiet: { "3 of 100": unanswered(3) },
    },
    {
      alert: "GatewayNoHealthyBackend",
      what: "no proxy sees a healthy endpoint, until one does",
      firing: (minute) => ({
        [healthy("a")]: minute < 10 ? 1 : 0,
        [healthy("b")]: minute < 10 || minute >= 20 ? 1 : 0,
      }),
      since: 10,
      until: 20,
      quiet: { "one proxy sees one": steady({ [healthy("a")]: 0, [healthy("b")]: 1 }) },
      labels: { severity: "critical", ...identity, service: shop.name, cluster_name: cluster },
      summary: `No healthy endpoint behind ${shop.host}: ${cluster}`,
    },
  ];
}
