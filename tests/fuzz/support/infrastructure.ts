import { given, type Draw, type Values } from "./draw";

/** The Gateway's address, and what is in front of it and behind it: keys of `gateway` that depend on each other. */
export function drawEntry(draw: Draw, address: string | undefined, hasMetrics: boolean): Values {
  if (address !== undefined) {
    // One small proxy is enough in the lab.
    return { address, infrastructure: { preset: "small" } };
  }
  if (!hasMetrics && draw.chance(20)) {
    const selector = draw.maybe(50, () => ({ app: "ingress", "example.com/tier": "" }));
    return { existing: given({ service: draw.name(), selector }) };
  }
  const service = draw.maybe(60, () => drawService(draw));
  const hasAddress = service?.type === undefined && service?.loadBalancer === undefined;
  return given({
    address: hasAddress ? draw.maybe(30, () => draw.pick(["192.168.51.100", "2001:db8::1"])) : undefined,
    infrastructure: draw.maybe(50, () => given({ ...drawProxies(draw), service })),
  });
}

function drawProxies(draw: Draw): Values {
  const scaling = () =>
    draw.some(50, {
      stabilizationWindow: () => draw.wholeSeconds("0s", "1h"),
      selectPolicy: () => draw.pick(["Max", "Min", "Disabled"]),
      policies: () =>
        draw.several(1, 2, () => ({
          type: draw.pick(["Pods", "Percent"]),
          value: draw.int(1, 1000),
          period: draw.wholeSeconds("1s", "30m"),
        })),
    });
  const autoscaling = () => {
    const minReplicas = draw.int(2, 500);
    return given({
      minReplicas,
      maxReplicas: draw.int(minReplicas, 1000),
      ...draw.some(50, {
        targetCpuPercent: () => draw.int(1, 1000),
        targetMemoryPercent: () => draw.int(1, 1000),
        behavior: () => draw.some(50, { scaleUp: scaling, scaleDown: scaling }),
      }),
    });
  };
  const minimum = draw.wholeSeconds("0s", "10m");
  return {
    ...(draw.chance(50) ? draw.some(50, { replicas: () => draw.int(2, 1000) }) : draw.some(50, { autoscaling })),
    ...draw.some(30, {
      podDisruptionBudget: () =>
        draw.orOff(() =>
          draw.pick<Values>([
            { maxUnavailable: draw.int(1, 1000) },
            { maxUnavailable: "99%" },
            { minAvailable: "50%" },
          ]),
        ),
      resources: () => ({
        requests: draw.some(50, { cpu: () => draw.pick(["50m", "1", "1.5"]), memory: () => "64Mi" }),
        limits: draw.some(50, { cpu: () => draw.pick(["2", "8000m"]), memory: () => draw.pick(["1Gi", 2 ** 31]) }),
      }),
      topologySpreadConstraints: () =>
        draw
          .several(0, 2, () => draw.pick(["topology.kubernetes.io/zone", "rack"]))
          .map((topologyKey) => ({
            topologyKey,
            ...draw.some(50, {
              maxSkew: () => draw.int(1, 100),
              whenUnsatisfiable: () => draw.pick(["ScheduleAnyway", "DoNotSchedule"]),
            }),
          })),
      podAntiAffinity: () => draw.pick(["preferred", "required"]),
      nodeSelector: () => ({ "example.com/pool": draw.pick(["edge", ""]) }),
      tolerations: () =>
        draw.several(1, 3, () =>
          draw.pick<Values>([
            { operator: "Exists" },
            { key: "edge", value: "true", effect: "NoSchedule" },
            { key: "edge", operator: "Exists", effect: "NoExecute", tolerationSeconds: draw.int(0, 86_400) },
          ]),
        ),
      priorityClassName: () => "system-cluster-critical",
      imagePullSecrets: () => draw.several(1, 2, () => draw.name()),
      podLabels: () => ({ "example.com/team": "edge" }),
      podAnnotations: () => ({ "example.com/note": draw.text() }),
      drain: () => ({ minimum, maximum: draw.pick(["10m", "1h"]) }),
    }),
  };
}

function drawService(draw: Draw): Values {
  const type = draw.maybe(30, () => draw.pick(["NodePort", "ClusterIP"]));
  const isOutside = type !== "ClusterIP";
  const loadBalancer = type === undefined ? draw.maybe(40, () => drawLoadBalancer(draw)) : undefined;
  return given({
    type,
    loadBalancer,
    ...draw.some(30, {
      annotations: () => ({ "example.com/note": draw.text() }),
      labels: () => ({ "example.com/team": "" }),
      ipFamilyPolicy: () => draw.pick(["PreferDualStack", "RequireDualStack"]),
      ipFamilies: () => draw.pick([["IPv4"], ["IPv6", "IPv4"]]),
    }),
    ...(isOutside
      ? draw.some(30, {
          externalTrafficPolicy: () => "Local",
          nodePorts: () => draw.some(50, { http: () => 30_080, https: () => 30_443 }),
        })
      : {}),
    ...(type === undefined
      ? draw.some(30, {
          loadBalancerSourceRanges: () => ["0.0.0.0/0", "::/0"],
          healthCheckNodePort: () => draw.port(),
          allocateLoadBalancerNodePorts: () => loadBalancer?.type === "aws-nlb" || draw.chance(50),
        })
      : {}),
    loadBalancerClass:
      type === undefined && loadBalancer?.type !== "aws-nlb" ? draw.maybe(20, () => "example.com/internal") : undefined,
  });
}

function drawLoadBalancer(draw: Draw): Values {
  const addresses = () => draw.pick([["192.0.2.1"], ["192.0.2.1", "2001:db8::1"]]);
  const internal = draw.chance(50);
  switch (draw.pick(["metallb", "aws-nlb", "gke", "aks"] as const)) {
    case "metallb":
      return { type: "metallb", ...draw.some(50, { addresses, addressPool: () => draw.name() }) };
    case "aws-nlb":
      return {
        type: "aws-nlb",
        internal,
        ...draw.some(50, {
          targetType: () => draw.pick(["instance", "ip"]),
          subnets: () => ["subnet-1"],
          [internal ? "privateAddresses" : "eipAllocations"]: () => (internal ? ["10.0.0.9"] : ["eipalloc-1"]),
        }),
      };
    case "gke":
      return {
        type: "gke",
        internal,
        ...draw.some(50, {
          addressNames: () => ["edge"],
          ...(internal ? { subnet: () => "edge", globalAccess: () => draw.chance(50) } : {}),
        }),
      };
    case "aks":
      return {
        type: "aks",
        internal,
        ...draw.some(50, {
          addresses,
          resourceGroup: () => "net",
          ...(internal ? { subnet: () => "edge" } : { publicIpName: () => "edge" }),
        }),
      };
  }
}
