import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../../config";
import type { TelemetryConfig } from "../../config/schema/telemetry/telemetry";
import { PodMonitor, VMPodScrape } from "../../kinds/podScrape";
import { PrometheusRule, VMRule } from "../../kinds/ruleGroups";
import { type GatewayRef, ownMetadata, partOf } from "../shared/naming";
import { type ProxyBounds, ruleGroups } from "./alertRules";
import { dashboards } from "./dashboard";
import { pageName, pages } from "./pages";
import { podScrapeSpec, scrapeConfig } from "./scrape";

export { statsAnnotations } from "./metricNames";

export interface GatewayMetricsArgs {
  /** Who scrapes, the alerts and the dashboard: `telemetry` of `gatewayConfig()`. What it leaves out is not made. */
  telemetry: TelemetryConfig;
  /** Services with their objectives: `services` of `gatewayConfig()`. */
  services: readonly Service<number>[];
  /** The Gateway whose proxies are read. The objects live in its namespace. */
  gateway: GatewayRef;
  /** Namespace of the service that counts for global limits; its failures then raise an alert. Default: there is none. */
  rateLimitService?: { readonly namespace: string };
  /** HTTP filters without which a proxy raises an alert: `httpFilterNames()`. Default: none. */
  httpFilters?: readonly string[];
  /** How many proxies there should be; fewer, and the most, raise an alert. Default: not known. */
  proxies?: ProxyBounds;
}

/** The gateway's metrics: scrape objects, alert rules and a dashboard. */
export class GatewayMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayMetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:GatewayMetrics", name, {}, opts);
    const { telemetry, services, gateway, rateLimitService, httpFilters, proxies } = args;
    const { metrics, alerts } = telemetry;
    const child = { parent: this };
    const metadata = (suffix: string, labels: Record<string, string> = {}) => ({
      ...ownMetadata(gateway, suffix),
      labels: { ...partOf(gateway), ...labels },
    });
    const configMap = (suffix: string, file: string, content: object, labels?: Record<string, string>) =>
      new ConfigMap(
        `${name}-${suffix}`,
        // JSON is YAML, so Prometheus, vmagent and vmalert can read it.
        { metadata: metadata(suffix, labels), data: { [file]: JSON.stringify(content) } },
        child,
      );
    if (metrics !== undefined) {
      const { scrape, labels } = metrics;
      const rules =
        alerts === undefined
          ? []
          : pages(ruleGroups({ services, alerts, gateway, rateLimitService, httpFilters, proxies }), (group) => group);
      if (scrape === "config-map") {
        configMap("scrape", "scrape.yaml", scrapeConfig(metrics, gateway), labels);
        rules.forEach((groups, page) => {
          configMap(pageName("alerts", page), `${pageName("alerts", page)}.yaml`, { groups }, labels);
        });
      } else {
        const [Scrape, Rules] = scrape === "prometheus-operator" ? [PodMonitor, PrometheusRule] : [VMPodScrape, VMRule];
        const spec = podScrapeSpec(metrics, gateway);
        new Scrape(`${name}-scrape`, { metadata: metadata("scrape", labels), spec }, child);
        rules.forEach((groups, page) => {
          const suffix = pageName("alerts", page);
          new Rules(`${name}-${suffix}`, { metadata: metadata(suffix, labels), spec: { groups } }, child);
        });
      }
    }
    const boards = telemetry.dashboard ? dashboards(services, gateway, httpFilters) : [];
    boards.forEach((board, page) => {
      // Grafana's sidecar writes the files of all ConfigMaps to one folder.
      const file = `${pageName(`${gateway.namespace}.${gateway.name}`, page)}.json`;
      configMap(pageName("dashboard", page), file, board, { grafana_dashboard: "1" });
    });
    this.registerOutputs();
  }
}
