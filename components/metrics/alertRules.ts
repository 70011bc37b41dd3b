import { milliseconds, type Service } from "../../config";
import type { AlertsInput } from "../../config/telemetry";
import type { AlertRule, RuleGroup } from "../../kinds/ruleGroups";
import { GATEWAY_LABEL, namesOf } from "./names";

/**
 * A month's budget lasts two days at this rate: worth waking somebody for.
 * https://sre.google/workbook/alerting-on-slos/
 */
const BURN_RATE = 14.4;

/** One group for the gateway, and one for each service. */
export function ruleGroups(services: readonly Service[], alerts: AlertsInput, gatewayName: string): RuleGroup[] {
  return [
    { name: gatewayName, rules: gatewayRules(alerts, gatewayName) },
    ...services.map((service) => ({
      name: `${gatewayName}-${service.name}`,
      rules: serviceRules(service, { ...alerts, ...service.telemetry.alerts }),
    })),
  ];
}

function gatewayRules({ certificateDays }: AlertsInput, gatewayName: string): AlertRule[] {
  const gateway = `${GATEWAY_LABEL}="${gatewayName}"`;
  const rejects = ["listener_manager_lds", "cluster_manager_cds"].map(
    (what) => `sum(increase(envoy_${what}_update_rejected{${gateway}}[10m])) > 0`,
  );
  const labels = { severity: "warning", gateway: gatewayName };
  return [
    {
      alert: "GatewayCertificateExpires",
      expr: `${certificateSeconds(gatewayName)} < ${certificateDays * 86_400}`,
      for: "10m",
      labels,
      annotations: { summary: `The certificate of gateway ${gatewayName} ends in less than ${certificateDays} days` },
    },
    {
      alert: "GatewayConfigRejected",
      expr: rejects.join(" or "),
      for: "0m",
      labels,
      annotations: { summary: `Envoy refuses configuration of gateway ${gatewayName}: it keeps the last good one` },
    },
  ];
}

/** Seconds until the first certificate of the listeners ends. */
export function certificateSeconds(gatewayName: string): string {
  const ends = `{__name__=~"envoy_listener_.*ssl_certificate_.*expiration_unix_time_seconds"`;
  return `min(${ends},${GATEWAY_LABEL}="${gatewayName}"}) - time()`;
}

function serviceRules(service: Service, alerts: AlertsInput): AlertRule[] {
  const names = namesOf(service);
  const labels = (severity: string) => ({ severity, service: service.name });
  const budget = Number((BURN_RATE * (1 - alerts.availabilityPercent / 100)).toPrecision(6));
  const burns = (window: string) => `${errorShare(service, window)} > ${budget}`;
  return [
    {
      alert: "GatewayErrorBudgetBurns",
      expr: `${burns("1h")} and ${burns("5m")}`,
      for: "2m",
      labels: labels("critical"),
      annotations: { summary: `${service.host} fails too often for ${alerts.availabilityPercent} % availability` },
    },
    {
      alert: "GatewayLatency",
      expr: `${latency(service, 0.95, "5m")} > ${milliseconds(alerts.latency)}`,
      for: "10m",
      labels: labels("warning"),
      annotations: { summary: `More than 5 % of the requests to ${service.host} take longer than ${alerts.latency}` },
    },
    {
      alert: "GatewayNoHealthyBackend",
      expr: `max by (cluster_name) (envoy_cluster_membership_healthy{${names.clusters}}) == 0`,
      for: "2m",
      labels: labels("critical"),
      annotations: { summary: `No healthy endpoint behind ${service.host}: {{ $labels.cluster_name }}` },
    },
  ];
}

/** Share of responses that are 5xx, from 0 to 1. */
export function errorShare(service: Service, window: string): string {
  const { requests, completed } = namesOf(service);
  return `sum(rate(${requests}{response_code_class="5xx"}[${window}])) / sum(rate(${completed}[${window}]))`;
}

/** Unit: milliseconds. */
export function latency(service: Service, quantile: number, window: string): string {
  return `histogram_quantile(${quantile}, sum by (le) (rate(${namesOf(service).timeBuckets}[${window}])))`;
}
