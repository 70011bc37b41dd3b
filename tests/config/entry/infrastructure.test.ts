import assert from "node:assert/strict";
import { refuses, mistakes, stack } from "../../support/stacks";

const AT = "gateway.infrastructure";

const infra = (infrastructure: object, more: object = {}) => ({ gateway: { infrastructure, ...more } });
const ofService = (service: object, more: object = {}) => infra({ service }, more);
const guarded = (access: object) => ({ services: [{ name: "web", namespace: "apps", access }] });
const direct = { clientAddress: { trustedProxies: 0 } };

describe("config/infrastructure", () => {
  it("needs no word", () => {
    assert.deepEqual(mistakes({}), []);
    assert.equal(stack({}).gateway.infrastructure.preset, "standard");
  });

  it("refuses replicas beside an autoscaler, and one whose bounds are the wrong way round", () => {
    const autoscaling = { minReplicas: 3, maxReplicas: 5 };
    refuses(infra({ replicas: 3, autoscaling }), `${AT}.replicas`, /use autoscaling\.minReplicas$/);
    const narrow = { minReplicas: 3, maxReplicas: 2 };
    refuses(infra({ autoscaling: narrow }), `${AT}.autoscaling.minReplicas`, /at most maxReplicas \(2\)/);
    refuses(infra({ autoscaling: {} }), `${AT}.autoscaling.maxReplicas`, /a whole number of proxies from 1 to 1000/);
    refuses(infra({ replicas: 0 }), `${AT}.replicas`, /from 1 to 1000/);
  });

  it("refuses a budget that no eviction could keep", () => {
    const budget = (podDisruptionBudget: object, more: object = {}) => infra({ podDisruptionBudget, ...more });
    const at = `${AT}.podDisruptionBudget.minAvailable`;
    refuses(budget({ minAvailable: 2 }), at, /fewer than the minimum of 2 proxies/);
    refuses(budget({ minAvailable: "60%" }), at, /no node drained/);
    refuses(budget({ minAvailable: 1 }, { preset: "small" }), at, /fewer than the minimum of 1 proxy/);
    refuses(
      budget({ minAvailable: 3 }, { autoscaling: { minReplicas: 3, maxReplicas: 9 } }),
      at,
      /the minimum of 3 proxies/,
    );
    assert.deepEqual(mistakes(budget({ minAvailable: "50%" })), []);
    assert.deepEqual(mistakes(budget({ minAvailable: 1 })), []);
    refuses(budget({ maxUnavailable: 0 }), `${AT}.podDisruptionBudget.maxUnavailable`, /from 1 to 1000, or a share/);
    refuses(budget({ maxUnavailable: 1, minAvailable: 1 }), `${AT}.podDisruptionBudget`, /either maxUnavailable or/);
  });

  it("refuses requests above the limits, which Kubernetes would refuse in each Pod", () => {
    refuses(
      infra({ resources: { requests: { cpu: "2500m" } } }),
      `${AT}.resources.requests.cpu`,
      /at most the limit \(2\)/,
    );
    refuses(
      infra({ resources: { requests: { memory: "2Gi" } } }),
      `${AT}.resources.requests.memory`,
      /at most the limit \(1Gi\): raise resources\.limits\.memory too/,
    );
    const both = { requests: { cpu: "3", memory: "2Gi" }, limits: { cpu: "4", memory: "2Gi" } };
    assert.deepEqual(mistakes(infra({ resources: both })), []);
    refuses(
      infra({ resources: { limits: { cpu: 2 } } }),
      `${AT}.resources.limits.cpu`,
      /such as 500m or "2", as a text/,
    );
  });

  it("refuses an autoscaler without the request that its target is a share of", () => {
    const without = (resources: unknown) => ({
      autoscaling: { maxReplicas: 4 },
      patches: { deployment: { spec: { template: { spec: { containers: [{ name: "istio-proxy", resources }] } } } } },
    });
    const at = `${AT}.autoscaling.targetCpuPercent`;
    for (const resources of [null, { requests: null }, { requests: { cpu: null } }]) {
      refuses(infra(without(resources)), at, /no patches\.deployment that removes the cpu request/);
    }
    assert.deepEqual(mistakes(infra(without({ limits: { cpu: null } }))), []);
  });

  it("refuses tolerations and constraints that Kubernetes refuses", () => {
    const tolerates = (toleration: object) => infra({ tolerations: [toleration] });
    refuses(tolerates({}), `${AT}.tolerations[0]`, /a key, or operator Exists for every taint/);
    refuses(tolerates({ key: "a", operator: "Exists", value: "b" }), `${AT}.tolerations[0]`, /no value with operator/);
    refuses(tolerates({ key: "a", tolerationSeconds: 1 }), `${AT}.tolerations[0]`, /effect NoExecute with/);
    const twice = [{ topologyKey: "zone" }, { topologyKey: "zone", maxSkew: 2 }];
    refuses(
      infra({ topologySpreadConstraints: twice }),
      `${AT}.topologySpreadConstraints[1].topologyKey`,
      /no earlier constraint with the same whenUnsatisfiable/,
    );
    const both = [{ topologyKey: "zone" }, { topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }];
    assert.deepEqual(mistakes(infra({ topologySpreadConstraints: both })), []);
  });

  it("refuses to take connections for longer than a proxy lives", () => {
    refuses(infra({ drain: { minimum: "61s" } }), `${AT}.drain.minimum`, /at most drain\.maximum \(60s\)/);
  });

  it("refuses keys that a type of Service does not have", () => {
    const cluster = (more: object) => ofService({ type: "ClusterIP", ...more });
    const at = `${AT}.service`;
    refuses(
      cluster({ externalTrafficPolicy: "Local" }),
      `${at}.externalTrafficPolicy`,
      /not allowed with type ClusterIP/,
    );
    refuses(cluster({ nodePorts: { https: 30443 } }), `${at}.nodePorts`, /for LoadBalancer or NodePort/);
    refuses(cluster({ loadBalancer: { type: "metallb" } }), `${at}.loadBalancer`, /it is for LoadBalancer$/);
    const port = (more: object) => ofService({ type: "NodePort", ...more });
    refuses(port({ loadBalancerClass: "a.test/b" }), `${at}.loadBalancerClass`, /not allowed with type NodePort/);
    refuses(port({ loadBalancerSourceRanges: ["10.0.0.0/8"] }), `${at}.loadBalancerSourceRanges`, /type NodePort/);
    refuses(port({ healthCheckNodePort: 31000 }), `${at}.healthCheckNodePort`, /type NodePort/);
    refuses(port({ allocateLoadBalancerNodePorts: false }), `${at}.allocateLoadBalancerNodePorts`, /type NodePort/);
    refuses(
      ofService({ externalTrafficPolicy: "Cluster", healthCheckNodePort: 31000 }),
      `${at}.healthCheckNodePort`,
      /not allowed with externalTrafficPolicy Cluster/,
    );
    refuses(
      ofService({ nodePorts: { https: 30443 }, healthCheckNodePort: 30443 }),
      `${at}.healthCheckNodePort`,
      /another port than those of nodePorts/,
    );
    refuses(port({ nodePorts: { http: 1, https: 1 } }), `${at}.nodePorts.https`, /another port than http/);
    refuses(ofService({ ipFamilies: ["IPv4", "IPv4"] }), `${at}.ipFamilies`, /each of IPv4 and IPv6 once/);
    refuses(
      ofService({ ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "SingleStack" }),
      `${at}.ipFamilies`,
      /another ipFamilyPolicy than SingleStack/,
    );
  });

  it("refuses keys that a load balancer does not have", () => {
    const balancer = (loadBalancer: object, more: object = {}) => ofService({ loadBalancer, ...more });
    const at = `${AT}.service.loadBalancer`;
    refuses(balancer({ type: "elb" }), `${at}.type`, /one of metallb, aws-nlb, gke, aks/);
    refuses(
      balancer({ type: "metallb", addresses: ["lb.example.net"] }),
      `${at}.addresses[0]`,
      /an IP address, IPv4 or IPv6/,
    );
    refuses(balancer({ type: "gke", subnet: "edge" }), `${at}.subnet`, /not allowed without internal: true/);
    refuses(balancer({ type: "gke", globalAccess: true }), `${at}.globalAccess`, /without internal: true/);
    refuses(balancer({ type: "aks", subnet: "edge" }), `${at}.subnet`, /without internal: true/);
    refuses(balancer({ type: "aks", internal: true, publicIpName: "p" }), `${at}.publicIpName`, /with internal: true/);
    refuses(
      balancer({ type: "aws-nlb", internal: true, eipAllocations: ["e"] }),
      `${at}.eipAllocations`,
      /not allowed with internal: true/,
    );
    refuses(
      balancer({ type: "aws-nlb", privateAddresses: ["10.0.0.1"] }),
      `${at}.privateAddresses`,
      /without internal: true/,
    );
    for (const type of ["metallb", "aks"]) {
      const addresses = ["192.0.2.1", "192.0.2.2"];
      refuses(balancer({ type, addresses }), `${at}.addresses`, /at most one IPv4 and one IPv6 address/);
    }
    const nlb = (more: object) => balancer({ type: "aws-nlb", internal: true, ...more });
    refuses(nlb({ privateAddresses: ["fd00::1"] }), `${at}.privateAddresses`, /IPv4 addresses/);
    refuses(
      nlb({ privateAddresses: ["10.0.0.1"], subnets: ["a", "b"] }),
      `${at}.privateAddresses`,
      /2, one for each of subnets/,
    );
    refuses(
      balancer({ type: "aws-nlb" }, { allocateLoadBalancerNodePorts: false }),
      `${AT}.service.allocateLoadBalancerNodePorts`,
      /true, or loadBalancer\.targetType ip/,
    );
    const attributes = "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes";
    refuses(
      balancer({ type: "aws-nlb" }, { annotations: { [attributes]: "preserve_client_ip.enabled=false" } }),
      `${AT}.service.annotations.${attributes}`,
      /not allowed with loadBalancer\.type aws-nlb, which sets it/,
    );
    refuses(
      balancer({ type: "aws-nlb" }, { loadBalancerClass: "a.test/b" }),
      `${AT}.service.loadBalancerClass`,
      /aws-nlb, which sets it/,
    );
  });

  it("refuses an address that nothing would assign", () => {
    const address = "192.0.2.1";
    refuses(ofService({ type: "NodePort" }, { address }), "gateway.address", /type NodePort: only a load balancer/);
    refuses(
      ofService({ loadBalancer: { type: "metallb" } }, { address }),
      "gateway.address",
      /infrastructure\.service\.loadBalancer, which has addresses$/,
    );
    refuses({ gateway: { address: "lb.example.net" } }, "gateway.address", /an IP address, IPv4 or IPv6/);
  });

  it("refuses labels and annotations that Istio sets", () => {
    refuses(
      infra({ podLabels: { "gateway.networking.k8s.io/gateway-name": "x" } }),
      `${AT}.podLabels.gateway.networking.k8s.io/gateway-name`,
      /another key/,
    );
    refuses(
      infra({ podAnnotations: { "proxy.istio.io/config": "{}" } }),
      `${AT}.podAnnotations.proxy.istio.io/config`,
      /another key/,
    );
  });

  it("refuses patches that Istio would drop", () => {
    const patch = (patches: object) => infra({ patches });
    const odd = { deployment: { spec: { template: { spec: { containers: [null, {}] } } } } };
    refuses(patch({ service: { metadata: { name: "x" } } }), `${AT}.patches.service.metadata.name`, /Istio sets it/);
    refuses(
      patch({ deployment: { spec: { selector: {} } } }),
      `${AT}.patches.deployment.spec.selector`,
      /Istio sets it/,
    );
    refuses(patch({ service: { kind: "Service" } }), `${AT}.patches.service.kind`, /not allowed/);
    refuses(patch({ service: { metadata: null } }), `${AT}.patches.service.metadata`, /a map/);
    refuses(patch({ deployment: { spec: "x" } }), `${AT}.patches.deployment.spec`, /a map/);
    assert.deepEqual(mistakes(infra({ autoscaling: { maxReplicas: 4 }, patches: odd })), []);
    const replaced = { spec: { template: { spec: { tolerations: [{ $patch: "replace" }] } } } };
    refuses(patch({ deployment: replaced }), `${AT}.patches.deployment`, /no directives such as \$patch/);
    refuses(patch({ service: [] }), `${AT}.patches.service`, /a map: a strategic merge patch/);
    refuses(patch({ daemonSet: {} }), `${AT}.patches.daemonSet`, /one of the keys deployment/);
  });
});

describe("config/infrastructure, who clients are", () => {
  const hidden = ofService({ externalTrafficPolicy: "Cluster" }, direct);
  const at = `${AT}.service.externalTrafficPolicy`;

  it("refuses Cluster where something depends on clients' addresses", () => {
    const allow = ["192.168.0.0/16"];
    refuses(
      { ...hidden, ...guarded({ allow }) },
      at,
      /the value Local: with Cluster, proxies see node addresses, but services\[0\] needs client addresses/,
    );
    refuses({ ...hidden, ...guarded({ deny: allow }) }, at, /services\[0\] needs/);
    refuses({ ...hidden, defaults: { access: { allow } } }, at, /services\[0\] needs/);
    const limited = (type: string) => ({
      services: [{ name: "web", namespace: "apps", rateLimit: { type, requests: 1, per: "hour" } }],
    });
    refuses({ ...hidden, ...limited("local-by-address") }, at, /services\[0\] needs/);
    refuses({ ...hidden, ...limited("global-by-address") }, at, /services\[0\] needs/);
    assert.deepEqual(mistakes({ ...hidden, ...limited("local") }), []);
    assert.deepEqual(mistakes(hidden), []);
  });

  it("accepts it where proxies in front tell the address, unless those are listed by theirs", () => {
    const told = (clientAddress: object) => ofService({ externalTrafficPolicy: "Cluster" }, { clientAddress });
    assert.deepEqual(mistakes({ ...told({ trustedProxies: 1 }), ...limitedByAddress }), []);
    refuses(
      { ...told({ trustedProxies: 1, proxyAddresses: ["10.0.0.0/8"] }), ...limitedByAddress },
      at,
      /gateway\.clientAddress\.proxyAddresses/,
    );
    const everyone = { trustedProxies: 1, proxyAddresses: ["0.0.0.0/0", "::/0"] };
    assert.deepEqual(mistakes({ ...told(everyone), ...limitedByAddress }), []);
  });
  const limitedByAddress = {
    services: [{ name: "web", namespace: "apps", rateLimit: { type: "local-by-address", requests: 1, per: "hour" } }],
  };

  it("refuses source ranges that shut out what an access list lets in", () => {
    const ranges = (loadBalancerSourceRanges: string[]) => ofService({ loadBalancerSourceRanges }, direct);
    const path = `${AT}.service.loadBalancerSourceRanges`;
    const allow = ["10.1.0.0/16", "192.168.0.0/16"];
    refuses(
      { ...ranges(["10.0.0.0/8"]), ...guarded({ allow }) },
      path,
      /ranges that include 192\.168\.0\.0\/16, which services\[0\]\.access\.allow lets in/,
    );
    assert.deepEqual(
      mistakes({ ...ranges(["10.0.0.0/8", "192.168.0.0/17", "192.168.128.0/17"]), ...guarded({ allow }) }),
      [],
    );
    refuses(
      { ...ranges(["10.0.0.0/8", "192.168.0.0/17", "192.168.128.0/18"]), ...guarded({ allow }) },
      path,
      /192\.168/,
    );
    assert.deepEqual(mistakes(ranges(["10.0.0.0/8"])), []);
    refuses(
      { ...ranges(["10.0.0.0/8"]), defaults: { access: { allow } } },
      path,
      /192\.168\.0\.0\/16, which defaults\.access\.allow lets in/,
    );
    const nlb = { loadBalancer: { type: "aws-nlb" }, loadBalancerSourceRanges: ["10.0.0.0/8", "192.168.0.0/16"] };
    const header = { trustedProxies: 0, proxyProtocol: true, proxyAddresses: ["172.16.0.0/12"] };
    assert.deepEqual(mistakes({ ...ofService(nlb, { clientAddress: header }), ...guarded({ allow }) }), []);
    const proxies = { clientAddress: { trustedProxies: 1, proxyAddresses: ["192.0.2.1"] } };
    refuses(
      ofService({ loadBalancerSourceRanges: ["10.0.0.0/8"] }, proxies),
      path,
      /192\.0\.2\.1, which gateway\.clientAddress\.proxyAddresses lets in/,
    );
  });
});

describe("config/existing", () => {
  const existing = (more: object = {}, gateway: object = {}) => ({
    gateway: { existing: { service: "istio-ingressgateway", ...more }, ...gateway },
  });

  it("takes a Service in the Gateway's namespace", () => {
    assert.deepEqual(mistakes(existing()), []);
    assert.deepEqual(mistakes(existing({ namespace: "istio-system" })), []);
    refuses(
      existing({ namespace: "istio-ingress" }),
      "gateway.namespace",
      /istio-ingress, that of gateway\.existing: policies and filters reach only Pods/,
    );
    refuses(existing({ selector: {} }), "gateway.existing.selector", /at least one label/);
  });

  it("refuses what only the owner of its Pods and its Service can set", () => {
    refuses(existing({}, { address: "192.0.2.1" }), "gateway.address", /not allowed with gateway\.existing/);
    assert.deepEqual(mistakes(existing({}, { revision: "canary" })), [], "istiod of that revision writes the status");
    refuses(
      { ...existing(), telemetry: { metrics: { scrape: "config-map" } } },
      "telemetry.metrics",
      /not allowed with gateway\.existing: it counts by annotations of the Pods/,
    );
    refuses(
      existing({}, { infrastructure: { replicas: 3 } }),
      `${AT}.replicas`,
      /not allowed with gateway\.existing: set it where/,
    );
    refuses(existing({}, { infrastructure: { preset: "small" } }), `${AT}.preset`, /not allowed/);
    refuses(
      existing({}, { clientAddress: { trustedProxies: 1, proxyAddresses: ["10.0.0.0/8"] } }),
      "gateway.clientAddress",
      /proxy\.istio\.io\/config/,
    );
    assert.deepEqual(mistakes(existing({}, direct)), []);
  });
});
