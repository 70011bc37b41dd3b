import { milliseconds, type Service } from "../../config";
import type { AlertsConfig } from "../../config/schema/telemetry/telemetry";
import type { AlertRule, RuleGroup } from "../../kinds/ruleGroups";
import { GRPC_PORT, rateLimitServiceName } from "../limits/rateLimitService";
import { clusterName, GATEWAY_LABEL, namesOf } from "./metricNames";
import { certificateSeconds, configRejects, errorShare, latency, limiterErrorShare } from "./queries";

/**
 * A month's budget lasts two days at this rate: worth waking somebody for.
 * https://sre.google/workbook/alerting-on-slos/
 */
const BURN_RATE = 14.4;

/** Questions to the rate limit service that may go unanswered, as a share: a lost one is no news. */
const LIMITER_ERRORS = 0.05;

export interface RuleGroupsInput {
  services: readonly Service[];
  alerts: AlertsConfig;
  gatewayName: string;
  /** Where the rate limit service is. Default: there is none. */
  rateLimitService?: { readonly namespace: string };
}

/** One group for the gateway, and one for each service. */
export function ruleGroups({ services, alerts, gatewayName, rateLimitService }: RuleGroupsInput): RuleGroup[] {
  const limiter = rateLimitService === undefined ? [] : [limiterRule(gatewayName, rateLimitService.namespace)];
  return [
    { name: gatewayName, rules: [...gatewayRules(alerts, gatewayName), ...limiter] },
    ...services.map((service) => ({
      name: `${gatewayName}-${service.name}`,
      rules: serviceRules(service, { ...alerts, ...service.telemetry.alerts }),
    })),
  ];
}

function gatewayRules({ certificateDays }: AlertsConfig, gatewayName: string): AlertRule[] {
  const rejects = Object.values(configRejects(gatewayName, "10m")).map((count) => `${count} > 0`);
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

/** No Pod is ready, which is seen without requests too, or questions go unanswered. */
function limiterRule(gatewayName: string, namespace: string): AlertRule {
  const cluster = clusterName({ service: rateLimitServiceName(gatewayName), namespace, port: GRPC_PORT });
  const healthy = `max(envoy_cluster_membership_healthy{${GATEWAY_LABEL}="${gatewayName}",cluster_name="${cluster}"})`;
  return {
    alert: "GatewayRateLimitServiceDown",
    expr: `${healthy} == 0 or ${limiterErrorShare(gatewayName, "5m")} > ${LIMITER_ERRORS}`,
    for: "5m",
    labels: { severity: "warning", gateway: gatewayName },
    annotations: { summary: `The rate limit service of gateway ${gatewayName} does not answer: nothing is counted` },
  };
}

function serviceRules(service: Service, alerts: AlertsConfig): AlertRule[] {
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
