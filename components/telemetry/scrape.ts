import { prometheusDuration } from "../../config/values/duration";
import type { MetricsConfig } from "../../config/schema/telemetry/telemetry";
import type { PodScrapeSpec } from "../../kinds/podScrape";
import { GATEWAY_LABEL } from "./metricNames";

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";
/** Envoy's own port for metrics, on every pod of an Istio gateway. */
const PORT = 15090;
const PATH = "/stats/prometheus";

/** What a PodMonitor and a VMPodScrape say, word for word. */
export function podScrapeSpec(metrics: MetricsConfig, gatewayName: string): PodScrapeSpec {
  return {
    selector: { matchLabels: { [GATEWAY_NAME]: gatewayName } },
    podTargetLabels: [GATEWAY_NAME],
    podMetricsEndpoints: [{ port: "http-envoy-prom", path: PATH, interval: prometheusDuration(metrics.interval) }],
  };
}

/** The same for a Prometheus or vmagent without an operator: it finds the pods behind the Gateway's Service. */
export function scrapeConfig(metrics: MetricsConfig, gatewayName: string, namespace: string): object {
  const meta = "__meta_kubernetes";
  return {
    scrape_configs: [
      {
        job_name: `${namespace}/${gatewayName}`,
        metrics_path: PATH,
        scrape_interval: prometheusDuration(metrics.interval),
        kubernetes_sd_configs: [{ role: "endpointslice", namespaces: { names: [namespace] } }],
        relabel_configs: [
          { action: "keep", source_labels: [`${meta}_service_name`], regex: `${gatewayName}-istio` },
          // One of the Service's ports stands for the pod.
          { action: "keep", source_labels: [`${meta}_endpointslice_port_name`], regex: "status-port" },
          {
            source_labels: ["__address__"],
            regex: "(.+):\\d+",
            target_label: "__address__",
            replacement: `$1:${PORT}`,
          },
          { target_label: GATEWAY_LABEL, replacement: gatewayName },
          { source_labels: [`${meta}_namespace`], target_label: "namespace" },
          { source_labels: [`${meta}_pod_name`], target_label: "pod" },
        ],
      },
    ],
  };
}
