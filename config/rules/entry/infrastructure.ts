import type { GatewayConfig } from "../../schema/entry/gateway";
import { infrastructureOf, type Infrastructure, PROXY_CONTAINER } from "../../resolve/infrastructure";
import { milliseconds } from "../../values/duration";
import type { Problem } from "../../values/problem";
import { bytes, cores } from "../../values/quantity";
import type { CheckedStack } from "../checkedStack";

const AT = "gateway.infrastructure";

/** Rules between the keys of the proxies. */
export function infrastructureProblems({ gateway }: CheckedStack): Problem[] {
  if (gateway === undefined || gateway.existing !== undefined) {
    return [];
  }
  const infrastructure = infrastructureOf(gateway);
  return [
    ...replicaProblems(gateway.infrastructure, infrastructure),
    ...requestProblems(infrastructure),
    ...resourceProblems(infrastructure),
    ...drainProblems(infrastructure),
    ...ownKeyProblems(gateway.infrastructure),
    ...patchProblems(gateway.infrastructure),
  ];
}

function replicaProblems(given: GatewayConfig["infrastructure"], { replicas, ...rest }: Infrastructure): Problem[] {
  const { autoscaling, podDisruptionBudget: budget } = rest;
  if (autoscaling !== undefined && given.replicas !== undefined) {
    const expected = "not allowed together with autoscaling: use autoscaling.minReplicas";
    return [{ path: `${AT}.replicas`, value: given.replicas, expected }];
  }
  if (autoscaling !== undefined && replicas > autoscaling.maxReplicas) {
    const expected = `at most maxReplicas (${autoscaling.maxReplicas})`;
    return [{ path: `${AT}.autoscaling.minReplicas`, value: replicas, expected }];
  }
  const kept = budget === false ? undefined : budget.minAvailable;
  if (kept === undefined || kept === "" || counted(kept, replicas) < replicas) {
    return [];
  }
  const expected = `fewer than the ${replicas} ${replicas === 1 ? "proxy" : "proxies"} that there are at least: no eviction would ever be allowed, and no node drained`;
  return [{ path: `${AT}.podDisruptionBudget.minAvailable`, value: kept, expected }];
}

/** A number of proxies, or a share of them, rounded up as Kubernetes does. */
function counted(value: number | string, all: number): number {
  return typeof value === "number" ? value : Math.ceil((parseInt(value, 10) / 100) * all);
}

/** A share of a request cannot be measured if a patch takes the request away. */
function requestProblems({ autoscaling, patches }: Infrastructure): Problem[] {
  const patch = patches.deployment as DeploymentPatch | undefined;
  const [container] = (patch?.spec?.template?.spec?.containers ?? []).filter(({ name }) => name === PROXY_CONTAINER);
  const without = (name: "cpu" | "memory") =>
    container !== undefined &&
    (container.resources === null ||
      container.resources?.requests === null ||
      container.resources?.requests?.[name] === null);
  const targets = [
    ["targetCpuPercent", autoscaling?.targetCpuPercent, "cpu"],
    ["targetMemoryPercent", autoscaling?.targetMemoryPercent, "memory"],
  ] as const;
  return targets
    .filter(([, value, name]) => value !== undefined && without(name))
    .map(([key, value, name]) => ({
      path: `${AT}.autoscaling.${key}`,
      value,
      expected: `not set, or no patches.deployment that removes the ${name} request of ${PROXY_CONTAINER}: it is a share of that`,
    }));
}

interface DeploymentPatch {
  spec?: {
    template?: {
      spec?: {
        containers?: { name: string; resources?: { requests?: Record<string, unknown> | null } | null }[];
      };
    };
  };
}

function resourceProblems({ resources: { requests, limits } }: Infrastructure): Problem[] {
  const amounts = [
    ["cpu", cores(requests.cpu), cores(limits.cpu)],
    ["memory", bytes(requests.memory), bytes(limits.memory)],
  ] as const;
  return amounts
    .filter(([, request, limit]) => request > limit)
    .map(([name]) => ({
      path: `${AT}.resources.requests.${name}`,
      value: requests[name],
      expected: `at most the limit (${limits[name]}): raise resources.limits.${name} too`,
    }));
}

function drainProblems({ drain }: Infrastructure): Problem[] {
  return milliseconds(drain.minimum) <= milliseconds(drain.maximum)
    ? []
    : [{ path: `${AT}.drain.minimum`, value: drain.minimum, expected: `at most drain.maximum (${drain.maximum})` }];
}

/** Labels and annotations that Istio or the program sets. */
function ownKeyProblems({ podLabels = {}, podAnnotations = {} }: GatewayConfig["infrastructure"]): Problem[] {
  const own =
    /^(gateway\.networking\.k8s\.io|gateway\.istio\.io|service\.istio\.io|sidecar\.istio\.io|proxy\.istio\.io)\//;
  const expected = "another key: Istio or other keys of this stack set it";
  return [
    ...Object.entries(podLabels).map(([key, value]) => ({ at: "podLabels", key, value })),
    ...Object.entries(podAnnotations).map(([key, value]) => ({ at: "podAnnotations", key, value })),
  ]
    .filter(({ key }) => own.test(key))
    .map(({ at, key, value }) => ({ path: `${AT}.${at}.${key}`, value, expected }));
}

/** What Istio refuses to patch: it would only log that, and keep the old objects. */
function patchProblems({ patches }: GatewayConfig["infrastructure"]): Problem[] {
  return Object.entries(patches).flatMap(([kind, patch]) => {
    const { metadata = {}, spec = {} } = patch as { metadata?: object; spec?: object };
    const fixed = [
      ...["apiVersion", "kind", "status"].filter((key) => key in (patch ?? {})).map((key) => [key]),
      ...["name", "namespace", "generateName", "uid", "ownerReferences", "finalizers"]
        .filter((key) => key in metadata)
        .map((key) => ["metadata", key]),
      ...(["selector"] as const).filter((key) => key in spec).map((key) => ["spec", key]),
    ];
    return fixed.map((path) => ({
      path: `${AT}.patches.${kind}.${path.join(".")}`,
      value: path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], patch),
      expected: "not allowed: Istio sets it, and refuses to change it",
    }));
  });
}
