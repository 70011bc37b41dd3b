import type { GatewayConfig } from "../schema/entry/gateway";
import type { InfrastructureConfig } from "../schema/entry/infrastructure";
import { bytes } from "../values/quantity";

/** What a preset sets where the stack does not. */
const PRESETS: Readonly<Record<InfrastructureConfig["preset"], { replicas: number; cpu: string; memory: string }>> = {
  standard: { replicas: 2, cpu: "500m", memory: "256Mi" },
  small: { replicas: 1, cpu: "50m", memory: "128Mi" },
};

/** As Istio's own for its proxies. */
const LIMITS = { cpu: "2", memory: "1Gi" };

/** Average use of the CPU request that an autoscaler aims at. Unit: percent. */
const TARGET_CPU = 70;

/** Name of the proxies' container. */
export const PROXY_CONTAINER = "istio-proxy";

/** How the proxies run, with every default filled in. */
export interface Infrastructure extends Omit<InfrastructureConfig, "replicas" | "resources"> {
  /** Fewest proxies: a fixed number, or the autoscaler's lower bound. */
  readonly replicas: number;
  readonly resources: Readonly<Record<"requests" | "limits", { readonly cpu: string; readonly memory: string }>>;
  /** Undefined for a Service that no connection from outside reaches. */
  readonly externalTrafficPolicy: "Local" | "Cluster" | undefined;
}

/** The stack's infrastructure, with every default that depends on another key. */
export function infrastructureOf({ infrastructure }: Pick<GatewayConfig, "infrastructure">): Infrastructure {
  const { preset, replicas, autoscaling, resources, service, podDisruptionBudget } = infrastructure;
  const defaults = PRESETS[preset];
  const requests = { cpu: defaults.cpu, memory: defaults.memory };
  return {
    ...infrastructure,
    replicas: autoscaling?.minReplicas ?? replicas ?? Math.min(defaults.replicas, autoscaling?.maxReplicas ?? Infinity),
    autoscaling: autoscaling && withTarget(autoscaling),
    podDisruptionBudget:
      podDisruptionBudget !== false && podDisruptionBudget.minAvailable === undefined
        ? { maxUnavailable: 1, ...podDisruptionBudget }
        : podDisruptionBudget,
    resources: {
      requests: texts({ ...requests, ...resources.requests }),
      limits: texts({ ...LIMITS, ...resources.limits }),
    },
    externalTrafficPolicy: service.externalTrafficPolicy ?? (service.type === "ClusterIP" ? undefined : "Local"),
  };
}

type Autoscaling = NonNullable<InfrastructureConfig["autoscaling"]>;

/** Without any metric, Kubernetes would aim at 80 % of the CPU request. */
function withTarget(autoscaling: Autoscaling): Autoscaling {
  const { targetCpuPercent, targetMemoryPercent, metrics } = autoscaling;
  const hasOther = targetMemoryPercent !== undefined || (metrics ?? []).length > 0;
  return targetCpuPercent === undefined && !hasOther ? { ...autoscaling, targetCpuPercent: TARGET_CPU } : autoscaling;
}

/** Amounts as Kubernetes prints them: those that were given as `undefined` are the defaults' already. */
function texts({ cpu, memory }: { cpu?: string; memory?: string | number }): { cpu: string; memory: string } {
  return { cpu: String(cpu), memory: typeof memory === "number" ? String(bytes(memory)) : String(memory) };
}

/** Labels of the proxies of an existing gateway. */
export function existingSelector({
  service,
  selector,
}: NonNullable<GatewayConfig["existing"]>): Record<string, string> {
  return selector ?? { istio: service.replace(/^istio-/, "") };
}
