import type { types } from "@pulumi/kubernetes";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2";
import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import type * as pulumi from "@pulumi/pulumi";
import { type Infrastructure, infrastructureOf, PROXY_CONTAINER } from "../../config/resolve/infrastructure";
import { loadBalancerSettings } from "../../config/resolve/loadBalancer";
import type { GatewayConfig } from "../../config/schema/entry/gateway";
import { splitBlock } from "../../config/values/cidr";
import { seconds } from "../../config/values/duration";
import { HTTP_PORT, HTTPS_PORT } from "../../config/resolve/protocols";
import { type GatewayRef, ownMetadata, proxyLabels, proxyName, SUFFIXES } from "../shared/naming";
import { proxyConfig } from "./clientAddress";
import { strategicMerge } from "./strategicMerge";

type Patch = Readonly<Record<string, unknown>>;

/** How Istio makes the Deployment and the Service of a Gateway: a strategic merge patch for each. */
export interface InfrastructurePatches {
  readonly deployment: Patch;
  readonly service: Patch;
  readonly serviceAccount?: Patch;
}

/**
 * The ConfigMap that the Gateway's `spec.infrastructure.parametersRef` names, and beside it what evicts and scales the proxies.
 * Istio can make the latter two from the ConfigMap as well, but never deletes them again.
 * https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#automated-deployment
 * @param podAnnotations For the Gateway's Pods, beside those of `config`.
 * @returns What the Gateway depends on.
 */
export function infrastructure(
  name: string,
  config: GatewayConfig,
  podAnnotations: Readonly<Record<string, string>>,
  opts: pulumi.ResourceOptions,
): pulumi.Resource[] {
  const patches = infrastructurePatches(config, podAnnotations);
  // JSON, since istiod reads YAML 1.1: there, a value such as on would be true.
  const data = Object.fromEntries(Object.entries(patches).map(([kind, patch]) => [kind, JSON.stringify(patch)]));
  const made: pulumi.Resource[] = [
    new ConfigMap(`${name}-infrastructure`, { metadata: ownMetadata(config, SUFFIXES.infrastructure), data }, opts),
  ];
  const metadata = ownMetadata(config, SUFFIXES.proxies);
  const { podDisruptionBudget, autoscaling, replicas } = infrastructureOf(config);
  if (podDisruptionBudget !== false) {
    const spec = {
      ...podDisruptionBudget,
      // Proxies that do not run anyway must not keep a node from being drained.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: proxySelector(config),
    };
    made.push(new PodDisruptionBudget(`${name}-proxies`, { metadata, spec }, opts));
  }
  if (autoscaling !== undefined) {
    const spec = autoscalerSpec(config, autoscaling, replicas);
    made.push(new HorizontalPodAutoscaler(`${name}-proxies`, { metadata, spec }, opts));
  }
  return made;
}

function proxySelector(gateway: GatewayRef) {
  return { matchLabels: proxyLabels(gateway) };
}

/** What differs from Istio's template. */
export function infrastructurePatches(
  config: GatewayConfig,
  podAnnotations: Readonly<Record<string, string>>,
): InfrastructurePatches {
  const { patches } = config.infrastructure;
  return {
    deployment: strategicMerge(deploymentPatch(config, podAnnotations), patches.deployment ?? {}),
    service: strategicMerge(servicePatch(config), patches.service ?? {}),
    ...(patches.serviceAccount === undefined ? {} : { serviceAccount: patches.serviceAccount }),
  };
}

function deploymentPatch(config: GatewayConfig, podAnnotations: Readonly<Record<string, string>>): Patch {
  const settings = infrastructureOf(config);
  const { drain, resources, tolerations, imagePullSecrets, topologySpreadConstraints: spread } = settings;
  const annotations = {
    "proxy.istio.io/config": JSON.stringify(proxyConfig(config.clientAddress, drain.maximum)),
    ...podAnnotations,
    ...settings.podAnnotations,
  };
  return {
    spec: {
      // An autoscaler sets the number.
      ...(settings.autoscaling === undefined ? { replicas: settings.replicas } : {}),
      // A new proxy is ready before an old one ends.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: present({ annotations, labels: settings.podLabels }),
        spec: present({
          terminationGracePeriodSeconds: seconds(drain.maximum),
          topologySpreadConstraints: spread.length === 0 ? undefined : spread.map((one) => spreading(one, config)),
          affinity: antiAffinity(settings, config),
          nodeSelector: settings.nodeSelector,
          tolerations: tolerations?.map(present),
          priorityClassName: settings.priorityClassName,
          imagePullSecrets: imagePullSecrets?.map((name) => ({ name })),
          containers: [{ name: PROXY_CONTAINER, resources, env: drainVariables(drain) }],
        }),
      },
    },
  };
}

/**
 * Istio ends a proxy 5 seconds after its Pod, whatever it is doing. With these, once its last connection has closed.
 * https://istio.io/latest/docs/reference/commands/pilot-agent/#envvars
 */
function drainVariables({ minimum }: Infrastructure["drain"]): { name: string; value: string }[] {
  return [
    { name: "EXIT_ON_ZERO_ACTIVE_CONNECTIONS", value: "true" },
    { name: "MINIMUM_DRAIN_DURATION", value: `${seconds(minimum)}s` },
  ];
}

/** Proxies of another revision of the Deployment do not count: they are about to end. */
function ownRevision(gateway: GatewayRef) {
  return { labelSelector: proxySelector(gateway), matchLabelKeys: ["pod-template-hash"] };
}

function spreading(constraint: Infrastructure["topologySpreadConstraints"][number], gateway: GatewayRef): Patch {
  return { ...constraint, ...ownRevision(gateway) };
}

function antiAffinity({ podAntiAffinity }: Infrastructure, gateway: GatewayRef): Patch | undefined {
  const term = { topologyKey: "kubernetes.io/hostname", ...ownRevision(gateway) };
  switch (podAntiAffinity) {
    case "required":
      return { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    case "preferred":
      return {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
        },
      };
    case undefined:
      return undefined;
  }
}

function servicePatch(config: GatewayConfig): Patch {
  const { service } = config.infrastructure;
  const { loadBalancer, nodePorts, ipFamilyPolicy } = service;
  const settings = loadBalancer && loadBalancerSettings(loadBalancer, config.clientAddress?.proxyProtocol === true);
  const ports = [
    { port: HTTP_PORT, nodePort: nodePorts.http },
    { port: HTTPS_PORT, nodePort: nodePorts.https },
  ].filter(({ nodePort }) => nodePort !== undefined);
  const annotations = { ...settings?.annotations, ...service.annotations };
  const metadata = present({
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    labels: service.labels,
  });
  const { type } = service;
  return present({
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    spec: present({
      // Istio's template has a load balancer.
      type: type === "LoadBalancer" ? undefined : type,
      // Istio's template prefers both IP versions.
      ipFamilyPolicy: ipFamilyPolicy === "PreferDualStack" ? undefined : ipFamilyPolicy,
      ipFamilies: service.ipFamilies,
      externalTrafficPolicy: infrastructureOf(config).externalTrafficPolicy,
      loadBalancerClass: settings?.loadBalancerClass ?? service.loadBalancerClass,
      loadBalancerSourceRanges: service.loadBalancerSourceRanges?.map(withPrefix),
      healthCheckNodePort: service.healthCheckNodePort,
      allocateLoadBalancerNodePorts: service.allocateLoadBalancerNodePorts,
      ports: ports.length === 0 ? undefined : ports,
    }),
  });
}

/** Kubernetes takes no single addresses there. */
function withPrefix(block: string): string {
  const { address, prefix } = splitBlock(block);
  return `${address}/${prefix}`;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/ */
function autoscalerSpec(
  gateway: GatewayRef,
  autoscaling: NonNullable<Infrastructure["autoscaling"]>,
  minReplicas: number,
): types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
  const { maxReplicas, targetCpuPercent, targetMemoryPercent, metrics = [], behavior } = autoscaling;
  const target = (name: string, averageUtilization: number | undefined) =>
    averageUtilization === undefined
      ? []
      : [{ type: "Resource", resource: { name, target: { type: "Utilization", averageUtilization } } }];
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: proxyName(gateway) },
    minReplicas,
    maxReplicas,
    metrics: [...target("cpu", targetCpuPercent), ...target("memory", targetMemoryPercent), ...metrics],
    behavior: behavior && {
      scaleUp: scalingRules(behavior.scaleUp),
      scaleDown: scalingRules(behavior.scaleDown),
    },
  };
}

type Rules = NonNullable<NonNullable<Infrastructure["autoscaling"]>["behavior"]>["scaleUp"];

function scalingRules(rules: Rules): types.input.autoscaling.v2.HPAScalingRules | undefined {
  return (
    rules && {
      stabilizationWindowSeconds:
        rules.stabilizationWindow === undefined ? undefined : seconds(rules.stabilizationWindow),
      selectPolicy: rules.selectPolicy,
      policies: rules.policies?.map(({ type, value, period }) => ({ type, value, periodSeconds: seconds(period) })),
    }
  );
}

/** A map without what is not set. */
function present(map: Patch): Patch {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined));
}
