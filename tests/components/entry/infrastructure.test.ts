import assert from "node:assert/strict";
import { parse } from "yaml";
import { infrastructurePatches } from "../../../components/entry/infrastructure";
import { strategicMerge } from "../../../components/entry/strategicMerge";
import { knownAddresses, TlsGateway } from "../../../components/entry/tlsGateway";
import { loadBalancerSettings } from "../../../config/resolve/loadBalancer";
import { loadBalancerSchema } from "../../../config/schema/entry/loadBalancer";
import { only, register } from "../../support/deployment";
import { plain, stack } from "../../support/stacks";

type Json = Record<string, unknown>;

interface PodSpec {
  terminationGracePeriodSeconds: number;
  topologySpreadConstraints?: Json[];
  containers: { name: string; resources: Json; env: Json[] }[];
}

interface Deployment {
  spec: {
    replicas?: number;
    strategy: Json;
    template: { metadata: { annotations: Record<string, string>; labels?: Json }; spec: PodSpec & Json };
  };
}

const gateway = (infrastructure: Json, more: Json = {}) => stack({ gateway: { infrastructure, ...more } }).gateway;

function deployment(infrastructure: Json, more: Json = {}): Deployment["spec"] {
  return (plain(infrastructurePatches(gateway(infrastructure, more), {}).deployment) as Deployment).spec;
}

function podSpec(infrastructure: Json): PodSpec & Json {
  return deployment(infrastructure).template.spec;
}

const service = (given: Json, more: Json = {}) =>
  plain(infrastructurePatches(gateway({ service: given }, more), {}).service) as { metadata?: Json; spec: Json };

const own = {
  labelSelector: { matchLabels: { "gateway.networking.k8s.io/gateway-name": "unified-gateway" } },
  matchLabelKeys: ["pod-template-hash"],
};

describe("components/infrastructure", () => {
  it("runs two proxies that request CPU and memory, spread over nodes and zones, and replaces them one by one", () => {
    const { replicas, strategy, template } = deployment({});
    assert.equal(replicas, 2);
    assert.deepEqual(strategy, { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
    const [proxy] = template.spec.containers;
    assert.equal(proxy?.name, "istio-proxy");
    assert.deepEqual(proxy.resources, {
      requests: { cpu: "500m", memory: "256Mi" },
      limits: { cpu: "2", memory: "1Gi" },
    });
    assert.deepEqual(
      template.spec.topologySpreadConstraints,
      ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        ...own,
      })),
    );
  });

  it("lets a proxy that ends take connections for 15 seconds, and finish within a minute", () => {
    const { template } = deployment({});
    assert.equal(template.spec.terminationGracePeriodSeconds, 60);
    assert.deepEqual(template.spec.containers[0]?.env, [
      { name: "EXIT_ON_ZERO_ACTIVE_CONNECTIONS", value: "true" },
      { name: "MINIMUM_DRAIN_DURATION", value: "15s" },
    ]);
    assert.deepEqual(template.metadata.annotations, { "proxy.istio.io/config": '{"drainDuration":"60s"}' });
    const slow = deployment({ drain: { minimum: "1m", maximum: "1h" } }).template;
    assert.equal(slow.spec.terminationGracePeriodSeconds, 3600);
    assert.deepEqual(slow.metadata.annotations, { "proxy.istio.io/config": '{"drainDuration":"3600s"}' });
    assert.deepEqual(slow.spec.containers[0]?.env[1], { name: "MINIMUM_DRAIN_DURATION", value: "60s" });
  });

  it("runs one small proxy with the preset small, whose defaults other keys override", () => {
    const small = deployment({ preset: "small" });
    assert.equal(small.replicas, 1);
    assert.deepEqual(small.template.spec.containers[0]?.resources.requests, { cpu: "50m", memory: "128Mi" });
    const own = deployment({ preset: "small", replicas: 3, resources: { requests: { memory: 268435456 } } });
    assert.equal(own.replicas, 3);
    assert.deepEqual(own.template.spec.containers[0]?.resources.requests, { cpu: "50m", memory: "268435456" });
  });

  it("places Pods as the stack says", () => {
    const spec = podSpec({
      nodeSelector: { pool: "edge" },
      tolerations: [{ key: "edge", value: "true", effect: "NoSchedule" }, { operator: "Exists" }],
      priorityClassName: "system-cluster-critical",
      imagePullSecrets: ["registry"],
      topologySpreadConstraints: [],
      podAntiAffinity: "required",
    });
    assert.deepEqual(spec.nodeSelector, { pool: "edge" });
    assert.deepEqual(spec.tolerations, [
      { key: "edge", operator: "Equal", value: "true", effect: "NoSchedule" },
      { operator: "Exists" },
    ]);
    assert.equal(spec.priorityClassName, "system-cluster-critical");
    assert.deepEqual(spec.imagePullSecrets, [{ name: "registry" }]);
    assert.equal(spec.topologySpreadConstraints, undefined);
    const term = { topologyKey: "kubernetes.io/hostname", ...own };
    assert.deepEqual(spec.affinity, {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    });
    assert.deepEqual(podSpec({ podAntiAffinity: "preferred" }).affinity, {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
      },
    });
  });

  it("labels and annotates Pods", () => {
    const { metadata } = deployment({ podLabels: { team: "edge" }, podAnnotations: { "a.test/b": "c" } }).template;
    assert.deepEqual(metadata.labels, { team: "edge" });
    assert.equal(metadata.annotations["a.test/b"], "c");
  });

  it("has a Service whose proxies see clients' addresses, unless nothing from outside reaches it", () => {
    assert.deepEqual(service({}), { spec: { externalTrafficPolicy: "Local" } });
    assert.deepEqual(service({ type: "NodePort" }), { spec: { type: "NodePort", externalTrafficPolicy: "Local" } });
    assert.deepEqual(service({ type: "ClusterIP" }), { spec: { type: "ClusterIP" } });
    assert.deepEqual(service({ externalTrafficPolicy: "Cluster" }), { spec: { externalTrafficPolicy: "Cluster" } });
  });

  it("sets everything else of the Service in the words of Kubernetes", () => {
    assert.deepEqual(
      service({
        annotations: { "a.test/b": "c" },
        labels: { team: "edge" },
        loadBalancerClass: "example.com/internal",
        loadBalancerSourceRanges: ["192.0.2.0/24", "2001:db8::1"],
        nodePorts: { http: 30080, https: 30443 },
        healthCheckNodePort: 31000,
        allocateLoadBalancerNodePorts: true,
        ipFamilyPolicy: "SingleStack",
        ipFamilies: ["IPv6"],
      }),
      {
        metadata: { annotations: { "a.test/b": "c" }, labels: { team: "edge" } },
        spec: {
          ipFamilyPolicy: "SingleStack",
          ipFamilies: ["IPv6"],
          externalTrafficPolicy: "Local",
          loadBalancerClass: "example.com/internal",
          loadBalancerSourceRanges: ["192.0.2.0/24", "2001:db8::1/128"],
          healthCheckNodePort: 31000,
          allocateLoadBalancerNodePorts: true,
          ports: [
            { port: 80, nodePort: 30080 },
            { port: 443, nodePort: 30443 },
          ],
        },
      },
    );
  });

  it("annotates for MetalLB, the AWS Load Balancer Controller, GKE and AKS", () => {
    const settings = (loadBalancer: Json, proxyProtocol = false) =>
      loadBalancerSettings(loadBalancerSchema.parse(loadBalancer), proxyProtocol);
    assert.deepEqual(
      settings({ type: "metallb", addresses: ["192.0.2.1", "2001:db8::1"], addressPool: "edge" }).annotations,
      { "metallb.io/loadBalancerIPs": "192.0.2.1,2001:db8::1", "metallb.io/address-pool": "edge" },
    );
    assert.deepEqual(settings({ type: "metallb" }).annotations, {});
    const aws = "service.beta.kubernetes.io/aws-load-balancer";
    assert.deepEqual(settings({ type: "aws-nlb", subnets: ["a", "b"], eipAllocations: ["x", "y"] }), {
      loadBalancerClass: "service.k8s.aws/nlb",
      annotations: {
        [`${aws}-scheme`]: "internet-facing",
        [`${aws}-nlb-target-type`]: "instance",
        [`${aws}-subnets`]: "a,b",
        [`${aws}-eip-allocations`]: "x,y",
        [`${aws}-target-group-attributes`]: "preserve_client_ip.enabled=true",
      },
    });
    const told = settings({ type: "aws-nlb", internal: true, targetType: "ip" }, true).annotations;
    assert.equal(told[`${aws}-scheme`], "internal");
    assert.equal(told[`${aws}-proxy-protocol`], "*");
    assert.equal(told[`${aws}-target-group-attributes`], "preserve_client_ip.enabled=false");
    assert.deepEqual(settings({ type: "gke", addressNames: ["edge-v4", "edge-v6"] }).annotations, {
      "networking.gke.io/load-balancer-ip-addresses": "edge-v4,edge-v6",
      "cloud.google.com/l4-rbs": "enabled",
    });
    assert.deepEqual(settings({ type: "gke", internal: true, subnet: "edge", globalAccess: true }).annotations, {
      "networking.gke.io/load-balancer-type": "Internal",
      "networking.gke.io/internal-load-balancer-subnet": "edge",
      "networking.gke.io/internal-load-balancer-allow-global-access": "true",
    });
    const azure = "service.beta.kubernetes.io/azure";
    assert.deepEqual(
      settings({ type: "aks", internal: true, subnet: "edge", addresses: ["10.0.0.9", "fd00::9"] }).annotations,
      {
        [`${azure}-load-balancer-internal`]: "true",
        [`${azure}-load-balancer-internal-subnet`]: "edge",
        [`${azure}-load-balancer-ipv4`]: "10.0.0.9",
        [`${azure}-load-balancer-ipv6`]: "fd00::9",
      },
    );
    assert.deepEqual(settings({ type: "aks", publicIpName: "edge", resourceGroup: "net" }).annotations, {
      [`${azure}-pip-name`]: "edge",
      [`${azure}-load-balancer-resource-group`]: "net",
    });
  });

  it("adds annotations of the stack to those of the load balancer", () => {
    const { metadata } = service({
      loadBalancer: { type: "metallb", addressPool: "edge" },
      annotations: { "example.com/note": "hello" },
    });
    assert.deepEqual(metadata, { annotations: { "metallb.io/address-pool": "edge", "example.com/note": "hello" } });
  });

  it("applies patches after everything else", () => {
    const patches = {
      deployment: {
        spec: { replicas: 7, template: { spec: { containers: [{ name: "istio-proxy", image: "own:1" }] } } },
      },
      service: { spec: { externalTrafficPolicy: "Cluster" } },
      serviceAccount: { metadata: { annotations: { "iam.test/role": "edge" } } },
    };
    const made = plain(infrastructurePatches(gateway({ patches }), {})) as { deployment: Deployment };
    const { deployment: changed, ...others } = made;
    assert.equal(changed.spec.replicas, 7);
    assert.equal(changed.spec.template.spec.containers.length, 1);
    assert.deepEqual(Object.keys(changed.spec.template.spec.containers[0] ?? {}), [
      "name",
      "resources",
      "env",
      "image",
    ]);
    assert.deepEqual(others, { service: patches.service, serviceAccount: patches.serviceAccount });
  });

  it("merges patches as Kubernetes does: lists by the names of their entries, null to remove", () => {
    assert.deepEqual(
      strategicMerge(
        {
          env: [
            { name: "a", value: "1" },
            { name: "b", value: "1" },
          ],
          args: [1],
          map: { kept: 1, gone: 1 },
        },
        {
          env: [
            { name: "b", value: "2" },
            { name: "c", value: "2" },
          ],
          args: [2],
          map: { gone: null },
        },
      ),
      {
        env: [
          { name: "a", value: "1" },
          { name: "b", value: "2" },
          { name: "c", value: "2" },
        ],
        args: [2],
        map: { kept: 1, gone: null },
      },
    );
  });
});

describe("components/TlsGateway, what it makes beside the Gateway", () => {
  const deploy = (infrastructure: Json, more: Json = {}) => {
    const { gateway: config, listeners } = stack({ gateway: { infrastructure, ...more } });
    return register(() => new TlsGateway("edge", { config, listeners, protect: false }));
  };
  const BUDGET = "kubernetes:policy/v1:PodDisruptionBudget";
  const AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler";

  it("has a ConfigMap that Istio reads, and a budget that lets evictions take one proxy at a time", async () => {
    const made = await deploy({});
    const { data, metadata } = only(made, "kubernetes:core/v1:ConfigMap").inputs as { data: Json; metadata: Json };
    assert.equal(metadata.name, "unified-gateway--infrastructure");
    assert.deepEqual(Object.keys(data), ["deployment", "service"]);
    assert.deepEqual(parse(data.service as string), { spec: { externalTrafficPolicy: "Local" } });
    const { spec } = only(made, BUDGET).inputs;
    assert.deepEqual(spec, {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: own.labelSelector,
    });
    assert.deepEqual(
      made.filter(({ type }) => type === AUTOSCALER),
      [],
    );
  });

  it("has the stack's budget, or none", async () => {
    const { spec } = only(await deploy({ podDisruptionBudget: { minAvailable: "50%" } }), BUDGET).inputs;
    assert.equal((spec as Json).minAvailable, "50%");
    assert.equal((spec as Json).maxUnavailable, undefined);
    const none = await deploy({ podDisruptionBudget: false });
    assert.deepEqual(
      none.filter(({ type }) => type === BUDGET),
      [],
    );
  });

  it("has an autoscaler, which alone sets the number of proxies", async () => {
    const autoscaling = {
      maxReplicas: 5,
      targetMemoryPercent: 80,
      metrics: [
        { type: "Pods", pods: { metric: { name: "requests" }, target: { type: "AverageValue", averageValue: 9 } } },
      ],
      behavior: {
        scaleDown: { stabilizationWindow: "10m", policies: [{ type: "Pods", value: 1, period: "1m" }] },
      },
    };
    const made = await deploy({ autoscaling });
    const { spec } = plain(only(made, AUTOSCALER).inputs) as { spec: Json };
    assert.deepEqual(spec, {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "unified-gateway-istio" },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        {
          type: "Resource",
          resource: { name: "memory", target: { type: "Utilization", averageUtilization: 80 } },
        },
        ...autoscaling.metrics,
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 600,
          policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
        },
      },
    });
    assert.equal(deployment({ autoscaling }).replicas, undefined);
    const plainOne = plain(only(await deploy({ autoscaling: { maxReplicas: 1 } }), AUTOSCALER).inputs) as {
      spec: Json;
    };
    assert.equal(plainOne.spec.minReplicas, 1);
    assert.deepEqual(plainOne.spec.metrics, [
      { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
    ]);
  });

  it("writes no text that YAML 1.1, as istiod reads it, takes for something else", async () => {
    const { data } = only(await deploy({ nodeSelector: { edge: "on", size: "1_000" } }), "kubernetes:core/v1:ConfigMap")
      .inputs as { data: Json };
    const read = parse(data.deployment as string, { version: "1.1" }) as Deployment;
    assert.deepEqual(read.spec.template.spec.nodeSelector, { edge: "on", size: "1_000" });
  });

  it("knows its addresses where the config gives them, and that there is none without a load balancer", () => {
    const known = (infrastructure: Json, more: Json = {}) => knownAddresses(gateway(infrastructure, more));
    assert.equal(known({}), undefined);
    assert.deepEqual(known({}, { address: "192.0.2.1" }), ["192.0.2.1"]);
    const addresses = ["2001:db8::1", "192.0.2.1"];
    assert.deepEqual(known({ service: { loadBalancer: { type: "metallb", addresses } } }), [...addresses].reverse());
    assert.equal(known({ service: { loadBalancer: { type: "gke" } } }), undefined);
    assert.deepEqual(known({ service: { type: "NodePort" } }), []);
    assert.equal(known({}, { existing: { service: "edge" } }), undefined);
  });

  it("makes nothing but the Gateway for an existing one", async () => {
    const made = await deploy({}, { existing: { service: "istio-ingressgateway" } });
    assert.deepEqual(
      made.map(({ type }) => type).filter((type) => type.startsWith("kubernetes:")),
      ["kubernetes:gateway.networking.k8s.io/v1:Gateway"],
    );
    const { spec } = made.at(-1)?.inputs as { spec: Json };
    assert.equal(spec.infrastructure, undefined);
  });
});
