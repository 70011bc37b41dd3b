import type { Service } from "../../config";
import { isEnforced, isGlobal, allRateLimitsOf } from "../../config/schema/limits/rateLimit";
import { contentHash } from "../shared/contentHash";
import { type GatewayRef, qualifiedName } from "../shared/naming";
import { namesOf, ofGateway, ruleRates } from "./metricNames";
import { pageName, pages } from "./pages";
import { certificateSeconds, configRejects, errorShare, latency } from "./queries";

/** A panel's query, and its legend. */
interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly targets: readonly Target[];
}

/** Length of rate windows: a Grafana variable that follows the time range shown. */
const WINDOW = "$__rate_interval";

/** A service and its panels. */
interface Row {
  readonly service: Service<number>;
  readonly panels: readonly Panel[];
}

/** Grafana dashboards of the gateway and its services, a row of panels for each; as many as keep each of them small. */
export function dashboards(
  services: readonly Service<number>[],
  gateway: GatewayRef,
  httpFilters: readonly string[] = [],
): object[] {
  const rows = services.map((service): Row => ({ service, panels: servicePanels(service, gateway) }));
  const all = pages(rows, ({ service, panels }) => layOut(service.host, panels, 0));
  return all.map((page, index) => dashboard(page, { gateway, httpFilters, index, count: all.length }));
}

interface PageArgs {
  readonly gateway: GatewayRef;
  readonly httpFilters: readonly string[];
  readonly index: number;
  readonly count: number;
}

function dashboard(services: readonly Row[], { gateway, httpFilters, index: page, count }: PageArgs): object {
  const name = qualifiedName(gateway);
  const title = `Gateway ${name}`;
  const rows = [
    {
      title,
      panels: gatewayPanels(
        services.map(({ service }) => service),
        gateway,
        httpFilters,
      ),
    },
    ...services.map(({ service, panels }) => ({ title: service.host, panels })),
  ];
  return {
    title: count === 1 ? title : `${title}, ${page + 1} of ${count}`,
    // Grafana takes 40 characters.
    uid: pageName(`gateway-${contentHash(name)}`, page),
    schemaVersion: 39,
    tags: ["istio", "gateway"],
    time: { from: "now-1h", to: "now" },
    refresh: "30s",
    templating: { list: [{ name: "datasource", type: "datasource", query: "prometheus" }] },
    panels: rows.flatMap((row, index) => layOut(row.title, row.panels, index)),
  };
}

/** Grafana's grid is 24 wide. */
const HEIGHT = 8;
const WIDTH = 6;

function layOut(title: string, panels: readonly Panel[], row: number): object[] {
  const y = row * (HEIGHT + 1);
  const id = row * 10 + 1;
  return [
    { id, type: "row", title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 } },
    ...panels.map((panel, index) => ({
      id: id + index + 1,
      type: "timeseries",
      title: panel.title,
      datasource: { type: "prometheus", uid: "${datasource}" },
      fieldConfig: { defaults: { unit: panel.unit }, overrides: [] },
      gridPos: { x: index * WIDTH, y: y + 1, w: WIDTH, h: HEIGHT },
      targets: panel.targets.map((target, place) => ({ refId: String.fromCharCode(65 + place), ...target })),
    })),
  ];
}

function gatewayPanels(
  services: readonly Service<number>[],
  gateway: GatewayRef,
  httpFilters: readonly string[],
): Panel[] {
  const own = ofGateway(gateway);
  return [
    {
      title: "Requests",
      unit: "reqps",
      targets: services.map((service) => ({
        expr: `sum(${ruleRates(service, "upstream_rq_completed", own, WINDOW)})`,
        legendFormat: service.name,
      })),
    },
    {
      title: "Days left of the certificate",
      unit: "d",
      targets: [{ expr: `(${certificateSeconds(gateway)}) / 86400`, legendFormat: "days" }],
    },
    {
      title: "Configuration that Envoy refused",
      unit: "short",
      targets: Object.entries(configRejects(gateway, WINDOW, httpFilters)).map(([what, expr]) => ({
        expr,
        legendFormat: what,
      })),
    },
  ];
}

/** Requests that would be refused if the service's limits were enforced. */
function notEnforced(service: Service<number>, own: string): Target[] {
  const { notEnforced: counters, clusters } = namesOf(service);
  const limits = allRateLimitsOf(service).filter((limit) => !isEnforced(limit));
  const target = (kind: string, counter: string): Target => ({
    expr: `sum(rate(${counter}[${WINDOW}]))`,
    legendFormat: `${kind} limit not enforced`,
  });
  return [
    ...(limits.every(isGlobal) ? [] : [target("local", `${counters.local}{${own}}`)]),
    ...(limits.some(isGlobal) ? [target("global", `${counters.global}{${clusters},${own}}`)] : []),
  ];
}

function servicePanels(service: Service<number>, gateway: GatewayRef): Panel[] {
  const names = namesOf(service);
  const own = ofGateway(gateway);
  const endpoints = (metric: string) => `sum(envoy_cluster_${metric}{${names.clusters},${own}})`;
  return [
    {
      title: "Requests, by status",
      unit: "reqps",
      targets: [
        {
          expr: `sum by (response_code_class) (${ruleRates(service, "upstream_rq", `response_code_class!="",${own}`, WINDOW)})`,
          legendFormat: "{{response_code_class}}",
        },
        ...(allRateLimitsOf(service).length === 0
          ? []
          : [{ expr: `sum(rate(${names.rateLimited}{${own}}[${WINDOW}]))`, legendFormat: "rate limited" }]),
        ...notEnforced(service, own),
      ],
    },
    {
      title: "Errors",
      unit: "percentunit",
      targets: [
        {
          expr: `(${errorShare(service, gateway, WINDOW)}) or 0 * sum(${ruleRates(service, "upstream_rq_completed", own, WINDOW)})`,
          legendFormat: "failed",
        },
      ],
    },
    {
      title: "Latency",
      unit: "ms",
      targets: [0.5, 0.95, 0.99].map((quantile) => ({
        expr: latency(service, gateway, quantile, WINDOW),
        legendFormat: `${quantile * 100} %`,
      })),
    },
    {
      title: "Endpoints",
      unit: "short",
      targets: [
        { expr: endpoints("membership_healthy"), legendFormat: "healthy" },
        // Counted only if the service has outlier detection.
        ...(service.trafficPolicy.outlierDetection === undefined
          ? []
          : [{ expr: endpoints("outlier_detection_ejections_active"), legendFormat: "ejected" }]),
        { expr: endpoints("upstream_rq_pending_overflow"), legendFormat: "turned away" },
      ],
    },
  ];
}
