import { parse } from "yaml";
import { GATEWAY_API } from "./routes";
import { isKind, objectName, type Resource, type StackPolicy, type Violation } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";

interface AvailabilityConfig extends ProductionConfig {
  replicas: number;
}

interface GatewayProps {
  metadata?: { name?: string; namespace?: string };
  spec?: { infrastructure?: { parametersRef?: { name?: string } } };
}

interface Patches {
  readonly deployment?: { spec?: { replicas?: number } };
  readonly service?: { spec?: { type?: string; externalTrafficPolicy?: string | null } };
}

/** A Gateway whose proxies Istio makes, with what its ConfigMap says of them. */
interface Managed {
  readonly gateway: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly patches: Patches;
}

function managed(resources: readonly Resource[], config: ProductionConfig): Managed[] {
  return resources
    .filter((resource) => isKind(resource, GATEWAY_API, "Gateway") && isProduction(resource, config))
    .flatMap((gateway) => {
      const { metadata, spec } = gateway.props as GatewayProps;
      const named = spec?.infrastructure?.parametersRef?.name;
      const parameters = resources.find(
        (one) => isKind(one, "core", "ConfigMap") && objectName(one) === `${metadata?.namespace ?? ""}/${named ?? ""}`,
      );
      const { data = {} } = (parameters?.props ?? {}) as { data?: Record<string, string> };
      const patches: Patches = Object.fromEntries(
        Object.entries(data).map(([kind, text]) => [kind, parse(text) as object]),
      );
      // Without a ConfigMap, somebody else makes the proxies.
      return named === undefined ? [] : [{ gateway, name: metadata?.name, namespace: metadata?.namespace, patches }];
    });
}

/** The Pods or the Deployment of a gateway, as budgets and autoscalers name them. */
function ofGateway({ name, namespace }: Managed, { props }: Resource): boolean {
  const { metadata, spec } = props as {
    metadata?: { namespace?: string };
    spec?: { selector?: { matchLabels?: Record<string, string> }; scaleTargetRef?: { name?: string } };
  };
  const isOwn =
    spec?.selector?.matchLabels?.["gateway.networking.k8s.io/gateway-name"] === name ||
    spec?.scaleTargetRef?.name === `${name ?? ""}-istio`;
  return metadata?.namespace === namespace && isOwn;
}

function unavailable(resources: readonly Resource[], { replicas: wanted, ...config }: AvailabilityConfig): Violation[] {
  return managed(resources, config).flatMap((one) => {
    const own = resources.filter((resource) => ofGateway(one, resource));
    const autoscaler = own.find((resource) => isKind(resource, "autoscaling", "HorizontalPodAutoscaler"));
    const scaled = (autoscaler?.props as { spec?: { minReplicas?: number } } | undefined)?.spec?.minReplicas;
    const replicas = (autoscaler === undefined ? one.patches.deployment?.spec?.replicas : scaled) ?? 1;
    const hasBudget = own.some((resource) => isKind(resource, "policy", "PodDisruptionBudget"));
    const { urn } = one.gateway;
    const called = objectName(one.gateway);
    return [
      ...(replicas < wanted
        ? [
            {
              urn,
              message: `${called} has ${replicas} of at least ${wanted} proxies: set gateway.infrastructure.replicas.`,
            },
          ]
        : []),
      ...(hasBudget
        ? []
        : [
            {
              urn,
              message: `${called} has no budget: a node drain may end all proxies at once. Set gateway.infrastructure.podDisruptionBudget.`,
            },
          ]),
    ];
  });
}

export const gatewayAvailableInProduction: StackPolicy<AvailabilityConfig> = {
  name: "gateway-available-in-production",
  description: "In production, the gateway has several proxies and a PodDisruptionBudget.",
  level: "mandatory",
  settings: {
    ...PRODUCTION_SETTINGS,
    replicas: { type: "integer", description: "Fewest proxies.", default: 2 },
  },
  checkStack: unavailable,
};

export const clientAddressesInProduction: StackPolicy<ProductionConfig> = {
  name: "client-addresses-in-production",
  description: "In production, proxies see the addresses of clients, not those of nodes.",
  level: "mandatory",
  settings: PRODUCTION_SETTINGS,
  checkStack: (resources, config) =>
    managed(resources, config)
      .map(({ gateway, patches }) => ({ gateway, ...patches.service?.spec }))
      // Kubernetes' own default is Cluster.
      .filter(({ type, externalTrafficPolicy }) => type !== "ClusterIP" && externalTrafficPolicy !== "Local")
      .map(({ gateway, externalTrafficPolicy }) => ({
        urn: gateway.urn,
        message: `${objectName(gateway)} has a Service with externalTrafficPolicy ${externalTrafficPolicy ?? "Cluster"}, which hides client addresses: use Local.`,
      })),
};
