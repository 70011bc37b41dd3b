import type { GatewayConfig } from "../../schema/entry/gateway";
import { infrastructureOf, type Infrastructure, PROXY_CONTAINER } from "../../resolve/infrastructure";
import { milliseconds } from "../../values/duration";
import { isMap } from "../../values/isMap";
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
    ...spreadProblems(infrastructure),
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
  if (kept === undefined || counted(kept, replicas) < replicas) {
    return [];
  }
  const expected = `fewer than the minimum of ${replicas} ${replicas === 1 ? "proxy" : "proxies"}: otherwise no eviction is allowed, and no node drained`;
  return [{ path: `${AT}.podDisruptionBudget.minAvailable`, value: kept, expected }];
}

/** A number of proxies, or a share of them, rounded up as Kubernetes does. */
function counted(value: number | string, all: number): number {
  return typeof value === "number" ? value : Math.ceil((parseInt(value, 10) / 100) * all);
}

/** A share of a request cannot be measured if a patch takes the request away. */
function requestProblems({ autoscaling, patches }: Infrastructure): Problem[] {
  const containers = at(patches.deployment, ["spec", "template", "spec", "containers"]);
  const container = Array.isArray(containers)
    ? (containers as unknown[]).find((one) => at(one, ["name"]) === PROXY_CONTAINER)
    : undefined;
  const without = (name: "cpu" | "memory") =>
    ["resources", "requests", name].some((_, depth, path) => at(container, path.slice(0, depth + 1)) === null);
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

/** A value in a patch of any shape; undefined if it is not there. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (holder, key) => (isMap(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined),
    value,
  );
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

function spreadProblems({ topologySpreadConstraints }: Infrastructure): Problem[] {
  const keys = topologySpreadConstraints.map(
    ({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`,
  );
  const place = keys.findIndex((key, index) => keys.indexOf(key) < index);
  const path = `${AT}.topologySpreadConstraints[${place}].topologyKey`;
  const expected = "a key that no earlier constraint with the same whenUnsatisfiable has";
  return place < 0 ? [] : [{ path, value: topologySpreadConstraints[place]?.topologyKey, expected }];
}

/** Labels and annotations that Istio or the program sets. */
function ownKeyProblems({ podLabels = {}, podAnnotations = {}, service }: GatewayConfig["infrastructure"]): Problem[] {
  const own =
    /^(gateway\.networking\.k8s\.io|gateway\.istio\.io|service\.istio\.io|sidecar\.istio\.io|proxy\.istio\.io)\//;
  const expected = "another key: Istio or other keys of this stack set it";
  return [
    ...Object.entries(podLabels).map(([key, value]) => ({ at: "podLabels", key, value })),
    ...Object.entries(podAnnotations).map(([key, value]) => ({ at: "podAnnotations", key, value })),
    ...Object.entries(service.labels ?? {}).map(([key, value]) => ({ at: "service.labels", key, value })),
  ]
    .filter(({ key }) => own.test(key))
    .map(({ at, key, value }) => ({ path: `${AT}.${at}.${key}`, value, expected }));
}

/** Fields that Istio sets, and lets no patch change. */
const FIXED = [
  ["apiVersion"],
  ["kind"],
  ["status"],
  ["spec", "selector"],
  ...[
    ...["name", "namespace", "generateName", "uid", "resourceVersion", "generation", "creationTimestamp"],
    ...["deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "managedFields"],
  ].map((key) => ["metadata", key]),
];

/** What Istio refuses to patch: it would only log that, and keep the old objects. */
function patchProblems({ patches }: GatewayConfig["infrastructure"]): Problem[] {
  return Object.entries(patches).flatMap(([kind, patch]): Problem[] => {
    const problem = (path: readonly string[], expected: string): Problem => ({
      path: `${AT}.patches.${[kind, ...path].join(".")}`,
      value: at(patch, path),
      expected,
    });
    const [directive] = keysIn(patch).filter((key) => key.startsWith("$"));
    return [
      ...["metadata", "spec"]
        .filter((key) => at(patch, [key]) !== undefined && !isMap(at(patch, [key])))
        .map((key) => problem([key], "a map")),
      ...FIXED.filter((path) => at(patch, path) !== undefined).map((path) =>
        problem(path, "not allowed: Istio sets it, and refuses to change it"),
      ),
      ...(directive === undefined
        ? []
        : [
            problem(
              [],
              `no directives such as ${directive}: null removes a field, and a list is merged by its entries' names`,
            ),
          ]),
    ];
  });
}

/** Every key in a tree, however deep. */
function keysIn(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(keysIn);
  }
  return isMap(value) ? Object.entries(value).flatMap(([key, entry]) => [key, ...keysIn(entry)]) : [];
}
