import { milliseconds, type Service } from "../../config";
import type { AlertsConfig } from "../../config/schema/telemetry/telemetry";
import { hours, seconds } from "../../config/values/duration";
import type { AlertRule, RuleGroup } from "../../kinds/ruleGroups";
import { type GatewayRef, qualifiedName, RATE_LIMIT_PORT, rateLimitServiceName } from "../shared/naming";
import { clusterName, namesOf, ofGateway } from "./metricNames";
import {
  certificateSeconds,
  configRejects,
  errorShare,
  latency,
  limiterErrorShare,
  proxiesWithout,
  proxyCount,
} from "./queries";

/**
 * At this rate a month's error budget lasts two days: worth a page.
 * https://sre.google/workbook/alerting-on-slos/
 */
const BURN_RATE = 14.4;

/** Share of the calls to the rate limit service that may fail without an alert. */
const LIMITER_ERRORS = 0.05;

export interface RuleGroupsInput {
  services: readonly Service<number>[];
  alerts: AlertsConfig;
  gateway: GatewayRef;
  /** Where the rate limit service is. Default: there is none. */
  rateLimitService?: { readonly namespace: string };
  /** HTTP filters that every proxy must have. Default: none. */
  httpFilters?: readonly string[];
  /** Fewest proxies, and the most that an autoscaler makes. Default: not known. */
  proxies?: ProxyBounds;
}

export interface ProxyBounds {
  readonly fewest: number;
  readonly most?: number;
}

/** One group for the gateway, and one per service. */
export function ruleGroups(input: RuleGroupsInput): RuleGroup[] {
  const { services, alerts, gateway, rateLimitService, httpFilters = [], proxies } = input;
  const limiter = rateLimitService === undefined ? [] : [limiterRule(gateway, rateLimitService.namespace)];
  const filters = httpFilters.map((filter) => filterRule(filter, gateway));
  return [
    {
      name: gateway.name,
      rules: [...gatewayRules(alerts, gateway, httpFilters), ...proxyRules(gateway, proxies), ...filters, ...limiter],
    },
    ...services.map((service) => ({
      name: `${gateway.name}-${service.name}`,
      rules: serviceRules(service, gateway, { ...alerts, ...service.telemetry.alerts }),
    })),
  ];
}

/** Labels of every alert. Alertmanager takes alerts with the same labels for one, and another gateway may have such a service. */
function identity({ name, namespace }: GatewayRef): Record<string, string> {
  return { gateway: name, namespace };
}

function gatewayRules(
  { certificateExpiresWithin }: AlertsConfig,
  gateway: GatewayRef,
  httpFilters: readonly string[],
): AlertRule[] {
  const rejects = Object.values(configRejects(gateway, "10m", httpFilters)).map((count) => `${count} > 0`);
  const labels = { severity: "warning", ...identity(gateway) };
  const days = Number((hours(certificateExpiresWithin) / 24).toFixed(1));
  return [
    {
      alert: "GatewayCertificateExpires",
      expr: `${certificateSeconds(gateway)} < ${seconds(certificateExpiresWithin)}`,
      for: "10m",
      labels,
      annotations: {
        summary: `The certificate of gateway ${qualifiedName(gateway)} expires in less than ${days} days`,
      },
    },
    {
      alert: "GatewayConfigRejected",
      expr: rejects.join(" or "),
      for: "0m",
      labels,
      annotations: {
        summary: `Envoy rejected configuration of gateway ${qualifiedName(gateway)} and keeps the last good one`,
      },
    },
  ];
}

/** Counted by the proxies' own metrics: those of the cluster may not be collected. */
function proxyRules(gateway: GatewayRef, proxies: ProxyBounds | undefined): AlertRule[] {
  const { fewest = 0, most } = proxies ?? {};
  const rule = (alert: string, condition: string, severity: string, wait: string, summary: string): AlertRule => ({
    alert,
    expr: `${proxyCount(gateway)} ${condition}`,
    for: wait,
    labels: { severity, ...identity(gateway) },
    annotations: { summary },
  });
  const called = `gateway ${qualifiedName(gateway)}`;
  return [
    rule("GatewayDown", "== 0", "critical", "2m", `No proxy of ${called} is running`),
    ...(fewest > 1
      ? [
          rule(
            "GatewayProxiesMissing",
            `< ${fewest}`,
            "warning",
            "10m",
            `${called.replace("g", "G")} has {{ $value }} proxies instead of at least ${fewest}`,
          ),
        ]
      : []),
    ...(most === undefined || most <= fewest
      ? []
      : [
          rule(
            "GatewayAutoscalerAtMaximum",
            `>= ${most}`,
            "warning",
            "15m",
            `The autoscaler of ${called} is at its maximum of ${most}: under more load, requests get slower`,
          ),
        ]),
  ];
}

/** A filter is in no listener: what it guards or limits is open, or everything is refused. */
function filterRule(filter: string, gateway: GatewayRef): AlertRule {
  return {
    alert: "GatewayFilterMissing",
    expr: `${proxiesWithout(filter, gateway)} > 0`,
    // A changed set of filters is there before its proxies have it.
    for: "5m",
    labels: { severity: "critical", ...identity(gateway), filter },
    annotations: {
      summary: `{{ $value }} proxies of gateway ${qualifiedName(gateway)} lack the HTTP filter ${filter}`,
    },
  };
}

/** No Pod is ready, which shows without traffic too, or calls fail. */
function limiterRule(gateway: GatewayRef, namespace: string): AlertRule {
  const cluster = clusterName({ service: rateLimitServiceName(gateway, namespace), namespace, port: RATE_LIMIT_PORT });
  const healthy = `max(envoy_cluster_membership_healthy{${ofGateway(gateway)},cluster_name="${cluster}"})`;
  return {
    alert: "GatewayRateLimitServiceDown",
    expr: `${healthy} == 0 or ${limiterErrorShare(gateway, "5m")} > ${LIMITER_ERRORS}`,
    for: "5m",
    labels: { severity: "warning", ...identity(gateway) },
    annotations: {
      summary: `The rate limit service of gateway ${qualifiedName(gateway)} does not answer: global limits are not counted`,
    },
  };
}

function serviceRules(service: Service<number>, gateway: GatewayRef, alerts: AlertsConfig): AlertRule[] {
  const names = namesOf(service);
  const labels = (severity: string) => ({ severity, ...identity(gateway), service: service.name });
  const budget = Number((BURN_RATE * (1 - alerts.availabilityPercent / 100)).toPrecision(6));
  const burns = (window: string) => `${errorShare(service, gateway, window)} > ${budget}`;
  return [
    {
      alert: "GatewayErrorBudgetBurns",
      expr: `${burns("1h")} and ${burns("5m")}`,
      for: "2m",
      labels: labels("critical"),
      annotations: { summary: `${service.host} has too many errors for ${alerts.availabilityPercent} % availability` },
    },
    {
      alert: "GatewayLatency",
      expr: `${latency(service, gateway, 0.95, "5m")} > ${milliseconds(alerts.latency)}`,
      for: "10m",
      labels: labels("warning"),
      annotations: { summary: `More than 5 % of the requests to ${service.host} take longer than ${alerts.latency}` },
    },
    {
      alert: "GatewayNoHealthyBackend",
      expr: `max by (cluster_name) (envoy_cluster_membership_healthy{${names.clusters},${ofGateway(gateway)}}) == 0`,
      for: "2m",
      labels: labels("critical"),
      annotations: { summary: `No healthy endpoint behind ${service.host}: {{ $labels.cluster_name }}` },
    },
  ];
}
