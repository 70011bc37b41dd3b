import type { MetricsConfig } from "../../config/schema/telemetry/telemetry";
import { prometheusDuration } from "../../config/values/duration";
import type { PodScrapeSpec } from "../../kinds/podScrape";
import { GATEWAY_NAME_LABEL, type GatewayRef, proxyLabels, proxyName, qualifiedName } from "../shared/naming";
import { GATEWAY_LABEL } from "./metricNames";

/** Envoy's own port for metrics, on every pod of an Istio gateway. */
const PORT = 15090;
const PATH = "/stats/prometheus";

/** The part that a PodMonitor and a VMPodScrape share. */
export function podScrapeSpec(metrics: MetricsConfig, gateway: GatewayRef): PodScrapeSpec {
  return {
    selector: { matchLabels: proxyLabels(gateway) },
    podTargetLabels: [GATEWAY_NAME_LABEL],
    podMetricsEndpoints: [{ port: "http-envoy-prom", path: PATH, interval: prometheusDuration(metrics.interval) }],
  };
}

/** The same for Prometheus or vmagent without an operator, which finds the pods behind the Gateway's Service. */
export function scrapeConfig(metrics: MetricsConfig, gateway: GatewayRef): object {
  const meta = "__meta_kubernetes";
  return {
    scrape_configs: [
      {
        job_name: qualifiedName(gateway),
        metrics_path: PATH,
        scrape_interval: prometheusDuration(metrics.interval),
        kubernetes_sd_configs: [{ role: "endpointslice", namespaces: { names: [gateway.namespace] } }],
        relabel_configs: [
          { action: "keep", source_labels: [`${meta}_service_name`], regex: proxyName(gateway) },
          // One of the Service's ports represents the pod.
          { action: "keep", source_labels: [`${meta}_endpointslice_port_name`], regex: "status-port" },
          {
            source_labels: ["__address__"],
            regex: "(.+):\\d+",
            target_label: "__address__",
            replacement: `$1:${PORT}`,
          },
          { target_label: GATEWAY_LABEL, replacement: gateway.name },
          { source_labels: [`${meta}_namespace`], target_label: "namespace" },
          { source_labels: [`${meta}_pod_name`], target_label: "pod" },
        ],
      },
    ],
  };
}
