import { z } from "zod";
import {
  cpuAmount,
  durationBetween,
  labelKey,
  labels,
  labelValue,
  objectName,
  orOff,
  size,
  wholeNumber,
} from "../fields";
import { gatewayServiceSchema } from "./gatewayService";

const MAX_PROXIES = 1000;
const proxies = (min = 1) => wholeNumber(min, MAX_PROXIES, "proxies");

const amounts = (what: string) => ({
  cpu: cpuAmount.optional().describe(`CPU ${what}.`),
  memory: size("32Mi", "256Gi", "512Mi", "1Mi").optional().describe(`Memory ${what}.`),
});

/** https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/ */
const resources = z.strictObject({
  requests: z
    .strictObject(amounts("request"))
    .prefault({})
    .describe("What the scheduler reserves for each proxy. Default: the preset's."),
  limits: z
    .strictObject({
      cpu: amounts("limit").cpu.describe("CPU limit; Envoy has a worker thread for each core, rounded up. Default: 2."),
      memory: amounts("limit").memory.describe("Memory limit. A proxy that needs more is killed. Default: 1Gi."),
    })
    .prefault({})
    .describe("What each proxy may use at most."),
});

const scalingRules = z.strictObject({
  stabilizationWindow: durationBetween("0s", "1h", "seconds", "5m")
    .optional()
    .describe("How long back the highest (or, to scale up, the lowest) wanted number counts."),
  selectPolicy: z
    .enum(["Max", "Min", "Disabled"], "one of Max, Min, Disabled")
    .optional()
    .describe("Which of the policies counts; Disabled never scales in this direction."),
  policies: z
    .array(
      z.strictObject({
        type: z.enum(["Pods", "Percent"], "either Pods or Percent").describe("Unit of value."),
        value: wholeNumber(1, MAX_PROXIES, "Pods or percent").describe("Most that changes in one period."),
        period: durationBetween("1s", "30m", "seconds", "1m").describe("Length of the period."),
      }),
      "a list of policies",
    )
    .min(1, "at least one policy")
    .max(8, "at most 8 policies")
    .optional()
    .describe("Bounds on the speed. Default: Kubernetes'."),
});

/** https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ */
const autoscaling = z
  .strictObject({
    minReplicas: proxies().optional().describe("Fewest proxies. Default: the preset's replicas."),
    maxReplicas: proxies().describe("Most proxies."),
    targetCpuPercent: wholeNumber(1, 1000, "percent")
      .optional()
      .describe("Average use of the CPU request to aim at. Default: 70 without another target."),
    targetMemoryPercent: wholeNumber(1, 1000, "percent")
      .optional()
      .describe("Average use of the memory request to aim at. Default: memory does not count."),
    metrics: z
      .array(z.looseObject({ type: z.string("a metric's type") }), "a list of metrics of autoscaling/v2")
      .max(10, "at most 10 metrics")
      .optional()
      .describe("Further metrics, as autoscaling/v2 has them: requests per second, connections. Default: none."),
    behavior: z
      .strictObject({
        scaleUp: scalingRules.optional().describe("Rules for more proxies."),
        scaleDown: scalingRules.optional().describe("Rules for fewer proxies."),
      })
      .optional()
      .describe("How fast the number changes. Default: Kubernetes': up at once, down after 5 minutes."),
  })
  .describe("A HorizontalPodAutoscaler instead of a fixed number of proxies. Default: none.");

/** A number of proxies, or a share of them. 0 and 100% are left out: they would allow every eviction, or none. */
function countOrShare(what: string) {
  const message = `${what}: a number from 1 to ${MAX_PROXIES}, or a share from 1% to 99%`;
  const count = z.number(message).int(message).min(1, message).max(MAX_PROXIES, message);
  return z.union([count, z.string(message).regex(/^([1-9]|[1-9]\d)%$/, message)], message);
}

/** https://kubernetes.io/docs/tasks/run-application/configure-pdb/ */
const podDisruptionBudget = z
  .strictObject({
    maxUnavailable: countOrShare("proxies that may be missing")
      .optional()
      .describe("Most proxies that evictions may take away at once. Default: 1 if minAvailable is not set."),
    minAvailable: countOrShare("proxies that stay")
      .optional()
      .describe("Fewest proxies that evictions must leave. Default: none."),
  })
  .refine(
    ({ maxUnavailable, minAvailable }) => maxUnavailable === undefined || minAvailable === undefined,
    "either maxUnavailable or minAvailable: Kubernetes allows one of them",
  )
  .describe("How many proxies must stay during evictions such as kubectl drain. false makes no budget.");

const topologySpreadConstraint = z.strictObject({
  topologyKey: labelKey.describe("Label of nodes, such as topology.kubernetes.io/zone."),
  maxSkew: wholeNumber(1, 100, "proxies")
    .default(1)
    .describe("Most proxies that one value may have more than another."),
  whenUnsatisfiable: z
    .enum(["ScheduleAnyway", "DoNotSchedule"], "either ScheduleAnyway or DoNotSchedule")
    .default("ScheduleAnyway")
    .describe("What happens to a proxy that fits nowhere."),
});

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const toleration = z
  .strictObject({
    key: labelKey.optional().describe("Key of the taint. Without one, operator has to be Exists: every taint."),
    operator: z
      .enum(["Equal", "Exists"], "either Equal or Exists")
      .default("Equal")
      .describe("How key and value match."),
    value: labelValue.optional().describe("Value of the taint, for Equal."),
    effect: z
      .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], "one of NoSchedule, PreferNoSchedule, NoExecute")
      .optional()
      .describe("Effect of the taint. Default: every effect."),
    tolerationSeconds: wholeNumber(0, 86_400, "seconds")
      .optional()
      .describe("How long a NoExecute taint is tolerated. Default: forever."),
  })
  .refine(
    ({ key, operator }) => key !== undefined || operator === "Exists",
    "a key, or operator Exists for every taint",
  )
  .refine(({ operator, value }) => operator === "Equal" || value === undefined, "no value with operator Exists")
  .refine(
    ({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === "NoExecute",
    "effect NoExecute with tolerationSeconds",
  );

const drain = z.strictObject({
  minimum: durationBetween("0s", "10m", "seconds", "15s")
    .prefault("15s")
    .describe("How long a proxy that ends still takes new connections: until no load balancer sends any."),
  maximum: durationBetween("1s", "1h", "seconds", "1m")
    .prefault("60s")
    .describe(
      "How long a proxy that ends may finish requests and streams; what is left then is cut off. Without any left it ends sooner.",
    ),
});

const patch = (what: string) =>
  z
    .record(z.string(), z.unknown(), "a map: a strategic merge patch")
    .optional()
    .describe(`Strategic merge patch for the ${what} that Istio makes, applied after all other keys. Default: none.`);

/** How the proxies run, and what clients connect to. */
export const infrastructureSchema = z.strictObject({
  preset: z
    .enum(["standard", "small"], "standard or small")
    .default("standard")
    .describe(
      "Defaults of replicas and resources. standard: 2 proxies that request 500m CPU and 256Mi of memory each; small, for development: 1 with 50m and 128Mi.",
    ),
  replicas: proxies().optional().describe("Number of proxies. Default: the preset's."),
  autoscaling: autoscaling.optional(),
  podDisruptionBudget: orOff(podDisruptionBudget).prefault({}),
  resources: resources.prefault({}).describe("CPU and memory of each proxy."),
  topologySpreadConstraints: z
    .array(topologySpreadConstraint, "a list of constraints")
    .max(8, "at most 8 constraints")
    .default([
      { topologyKey: "kubernetes.io/hostname", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway" },
      { topologyKey: "topology.kubernetes.io/zone", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway" },
    ])
    .describe("How proxies spread over nodes and zones; an empty list leaves it to the scheduler."),
  podAntiAffinity: z
    .enum(["preferred", "required"], "preferred or required")
    .optional()
    .describe("Keep proxies on separate nodes. required leaves one that finds no free node pending. Default: none."),
  nodeSelector: labels.optional().describe("Labels of the nodes that may run proxies. Default: any node."),
  tolerations: z
    .array(toleration, "a list of tolerations")
    .max(32, "at most 32 tolerations")
    .optional()
    .describe("Taints of nodes that proxies tolerate. Default: none."),
  priorityClassName: objectName.optional().describe("PriorityClass of the proxies. Default: the cluster's."),
  imagePullSecrets: z
    .array(objectName, "a list of Secrets' names")
    .max(16, "at most 16 Secrets")
    .optional()
    .describe("Secrets in the Gateway's namespace to pull the proxy's image with, besides those of the mesh."),
  podLabels: labels.optional().describe("Further labels of the proxies' Pods."),
  podAnnotations: z
    .record(labelKey, z.string("a text"), "a map of annotations")
    .optional()
    .describe("Further annotations of the proxies' Pods."),
  drain: drain.prefault({}).describe("How a proxy ends: in a rollout, when scaled down, or evicted."),
  service: gatewayServiceSchema.prefault({}).describe("The Service that clients connect to."),
  patches: z
    .strictObject({
      deployment: patch("Deployment"),
      service: patch("Service"),
      serviceAccount: patch("ServiceAccount"),
    })
    .prefault({})
    .describe("For what has no key. Nothing checks what a patch does; reviews show it in full."),
});

export type InfrastructureConfig = z.output<typeof infrastructureSchema>;
