import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE, nodeAddress } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { request, stackOutputs } from "../../lab/probe";
import { deploy, destroy, prepare, pulumi, theLab, writeStack, type Values } from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "infra";
const NAMESPACE = "infra-system";
const ADDRESS = "192.168.51.161";
const PROXIES = `${STACK}-istio`;
/** The nodes' own range: with Cluster, everyone is in it. */
const NODES = "192.168.0.0/16";

/** The gateway's own defaults unless keys say otherwise, and one service that admits only the nodes' range. */
const values = (infrastructure: Values = {}, gateway: Values = {}, allow = [NODES]): Values => ({
  domain: "infra.test",
  gateway: {
    name: STACK,
    namespace: NAMESPACE,
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
    infrastructure,
    ...gateway,
  },
  telemetry: { accessLogs: { provider: "gateway-json" } },
  services: [
    { name: "web", namespace: "infra-apps", port: 8080, access: { allow } },
    { name: "open", namespace: "infra-apps", port: 8080 },
  ],
});

interface Pod {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  spec: Values & { nodeName: string; containers: { name: string; resources: Values; env: Values[] }[] };
}

interface Service {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  spec: Values & { ports: { port: number; nodePort?: number }[] };
}

const kubectl = (...args: string[]) => theLab().kubectl(args);

async function object<T>(kind: string, name: string): Promise<T> {
  return JSON.parse(await kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")) as T;
}

async function names(kind: string): Promise<string[]> {
  const list = await kubectl("get", kind, "-n", NAMESPACE, "-o", "name");
  return list.split("\n").filter((name) => name.includes(STACK));
}

/** The Pods that stay, once all of them run what the Deployment says. */
async function proxies(count: number): Promise<Pod[]> {
  await kubectl("rollout", "status", `deployment/${PROXIES}`, "-n", NAMESPACE, "--timeout=90s");
  return eventually(`${count} proxies`, 90_000, async () => {
    const list = JSON.parse(await kubectl("get", "pods", "-n", NAMESPACE, "-o", "json")) as {
      items: (Pod & { metadata: { deletionTimestamp?: string; name: string } })[];
    };
    const found = list.items.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined && metadata.name.startsWith(PROXIES),
    );
    assert.equal(found.length, count);
    return found;
  });
}

async function status(url: string, from: string, ...curl: string[]): Promise<number> {
  return (await request(theLab(), url, { from, curl: ["--max-time", "3", ...curl] })).status;
}

const WEB = "https://web.infra.test/";
const OPEN = "https://open.infra.test/";

const answers = (wanted: Record<string, number>, url = WEB) =>
  eventually(`${url} for ${JSON.stringify(wanted)}`, 60_000, async () => {
    const seen = Object.fromEntries(
      await Promise.all(Object.keys(wanted).map(async (from) => [from, await status(url, from)] as const)),
    );
    assert.deepEqual(seen, wanted);
  });

/** What `verify` says as a client inside, by check. */
const rowsOf = async (stack: Values, check: string) =>
  (await verified(STACK, stack, "--from", CLIENT_INSIDE)).filter((row) => row.check === check);

describe("infrastructure", function () {
  this.timeout(300_000);
  before(() => deploy(STACK, values()));
  after(async () => {
    if ((await names("gateway")).length > 0) {
      await destroy(STACK);
    }
  });

  it("without a word: two proxies on two nodes, a budget that leaves one, and clients with their own addresses", async () => {
    const pods = await proxies(2);
    assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, 2);
    for (const { spec } of pods) {
      assert.equal(spec.terminationGracePeriodSeconds, 60);
      const [proxy] = spec.containers;
      assert.deepEqual(proxy?.resources, {
        requests: { cpu: "500m", memory: "256Mi" },
        limits: { cpu: "2", memory: "1Gi" },
      });
    }
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 403 });
    await eventually("every row", 30_000, async () => {
      const rows = await rowsOf(values(), "infrastructure");
      assert.ok(rows.length === 6 && rows.every(({ state }) => state === "ok"), words(rows));
      assert.match(words(rows), /2 or more proxies are ready, all of the current version: 2 of 2, 2 current/);
      assert.match(words(rows), /ready proxies are on several nodes: 2 of 2 nodes/);
      assert.match(words(rows), /the budget allows an eviction: 1 allowed/);
      assert.match(words(rows), /client addresses, which web needs: LoadBalancer, externalTrafficPolicy Local/);
    });
    const [address] = await rowsOf(values(), "client-address");
    assert.deepEqual([address?.state, address?.seen], ["ok", CLIENT_INSIDE]);
  });

  it("refuses at preview what would hide clients' addresses", async () => {
    await prepare(STACK, values());
    await theLab().take(STACK, writeStack(STACK, values({ service: { externalTrafficPolicy: "Cluster" } })));
    const { code, stdout, stderr } = await pulumi(STACK, ["preview"]);
    assert.notEqual(code, 0);
    assert.match(
      stdout + stderr,
      /gateway\.infrastructure\.service\.externalTrafficPolicy: "Cluster", expected the value Local/,
    );
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 403 });
  });

  it("admits everyone if a patch hides them, and verify says so", async () => {
    const hidden = values({ patches: { service: { spec: { externalTrafficPolicy: "Cluster" } } } });
    await deploy(STACK, hidden);
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 200 });
    const rows = await rowsOf(hidden, "infrastructure");
    const failed = rows.filter(({ state }) => state === "failed");
    assert.deepEqual(
      failed.map(({ what, seen }) => [what, seen]),
      [["the Service keeps client addresses, which web needs", "LoadBalancer, externalTrafficPolicy Cluster"]],
    );
    const [address] = await rowsOf(hidden, "client-address");
    assert.equal(address?.state, "failed");
    assert.match(
      address.seen,
      new RegExp(`^(${nodeAddress(1)}|${nodeAddress(2)}), a node's, instead of ${CLIENT_INSIDE}$`),
    );
    await deploy(STACK, values());
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 403 });
  });

  it("passes each key of the Pods on to them", async () => {
    await deploy(
      STACK,
      values({
        replicas: 1,
        resources: { requests: { cpu: "75m", memory: "96Mi" }, limits: { cpu: "1", memory: "512Mi" } },
        topologySpreadConstraints: [
          { topologyKey: "topology.kubernetes.io/zone", maxSkew: 2, whenUnsatisfiable: "DoNotSchedule" },
        ],
        podAntiAffinity: "required",
        nodeSelector: { "kubernetes.io/hostname": "node-2" },
        tolerations: [{ key: "edge", value: "true", effect: "NoSchedule" }],
        priorityClassName: "system-cluster-critical",
        imagePullSecrets: ["registry"],
        podLabels: { "example.com/team": "edge" },
        podAnnotations: { "example.com/note": "hello" },
        drain: { minimum: "3s", maximum: "30s" },
        patches: {
          deployment: { spec: { template: { spec: { hostAliases: [{ ip: "192.0.2.1", hostnames: ["a.test"] }] } } } },
          serviceAccount: { metadata: { annotations: { "example.com/role": "edge" } } },
        },
      }),
    );
    const [pod] = await proxies(1);
    assert.ok(pod);
    const { metadata, spec } = pod;
    const [proxy] = spec.containers;
    assert.deepEqual(proxy?.resources, {
      requests: { cpu: "75m", memory: "96Mi" },
      limits: { cpu: "1", memory: "512Mi" },
    });
    const ours = (proxy.env as { name: string; value?: string }[]).filter(({ name }) => /DRAIN|EXIT_ON/.test(name));
    assert.deepEqual(ours, [
      { name: "EXIT_ON_ZERO_ACTIVE_CONNECTIONS", value: "true" },
      { name: "MINIMUM_DRAIN_DURATION", value: "3s" },
    ]);
    assert.deepEqual(
      [spec.nodeName, spec.terminationGracePeriodSeconds, spec.priorityClassName, spec.imagePullSecrets],
      ["node-2", 30, "system-cluster-critical", [{ name: "registry" }]],
    );
    const [constraint, ...more] = spec.topologySpreadConstraints as Values[];
    assert.deepEqual(more, []);
    assert.deepEqual(
      [constraint?.topologyKey, constraint?.maxSkew, constraint?.whenUnsatisfiable],
      ["topology.kubernetes.io/zone", 2, "DoNotSchedule"],
    );
    assert.match(
      JSON.stringify(spec.affinity),
      /requiredDuringSchedulingIgnoredDuringExecution.*kubernetes\.io\/hostname/,
    );
    assert.match(JSON.stringify(spec.tolerations), /"key":"edge","operator":"Equal","value":"true"/);
    assert.deepEqual(spec.hostAliases, [{ ip: "192.0.2.1", hostnames: ["a.test"] }]);
    const account = await object<Service>("serviceaccount", PROXIES);
    assert.equal(account.metadata.annotations["example.com/role"], "edge");
    assert.equal(metadata.labels["example.com/team"], "edge");
    assert.equal(metadata.annotations["example.com/note"], "hello");
    assert.match(metadata.annotations["proxy.istio.io/config"] ?? "", /"drainDuration":"30s"/);
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 403 });
  });

  it("hands the number of proxies to an autoscaler, and back", async () => {
    const autoscaling = {
      minReplicas: 3,
      maxReplicas: 4,
      targetCpuPercent: 60,
      targetMemoryPercent: 80,
      metrics: [
        { type: "Pods", pods: { metric: { name: "requests" }, target: { type: "AverageValue", averageValue: "100" } } },
      ],
      behavior: {
        scaleUp: { selectPolicy: "Min", policies: [{ type: "Percent", value: 50, period: "1m" }] },
        scaleDown: { stabilizationWindow: "10m" },
      },
    };
    await deploy(STACK, values({ preset: "small", autoscaling, podDisruptionBudget: false }));
    await proxies(3);
    const { spec } = await object<{ spec: Values }>("hpa", `${STACK}--proxies`);
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [3, 4]);
    assert.match(JSON.stringify(spec.behavior), /"scaleDown":\{.*"stabilizationWindowSeconds":600/);
    assert.match(JSON.stringify(spec.behavior), /"periodSeconds":60,"type":"Percent","value":50.*"selectPolicy":"Min"/);
    assert.match(JSON.stringify(spec.metrics), /"averageUtilization":60.*"averageUtilization":80.*"name":"requests"/);
    assert.deepEqual(await names("pdb"), []);
    await deploy(STACK, values({ preset: "small", replicas: 2, podDisruptionBudget: { minAvailable: 1 } }));
    await proxies(2);
    assert.deepEqual(await names("hpa"), []);
    const budget = await object<{ spec: Values }>("pdb", `${STACK}--proxies`);
    assert.deepEqual([budget.spec.minAvailable, budget.spec.maxUnavailable], [1, undefined]);
    await eventually("the budget", 30_000, async () => {
      const { status: seen } = await object<{ status: Values }>("pdb", `${STACK}--proxies`);
      assert.equal(seen.disruptionsAllowed, 1);
    });
  });

  it("lets only source ranges through, before any access list", async () => {
    const service = { loadBalancerSourceRanges: [NODES] };
    await deploy(STACK, values({ preset: "small", service }));
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 0 }, OPEN);
    await deploy(STACK, values({ preset: "small" }));
    await answers({ [CLIENT_INSIDE]: 200, [CLIENT_OUTSIDE]: 200 }, OPEN);
  });

  it("takes several addresses from a load balancer, and lists a record for each", async () => {
    const service = { loadBalancer: { type: "metallb", addresses: ["2001:db8::51", "192.168.51.162"] } };
    await deploy(STACK, values({ preset: "small", service }, { address: undefined }));
    const { dnsRecords } = await stackOutputs(theLab(), STACK);
    assert.deepEqual(dnsRecords, [
      "open.infra.test. 300 IN A 192.168.51.162",
      "open.infra.test. 300 IN AAAA 2001:db8::51",
      "web.infra.test. 300 IN A 192.168.51.162",
      "web.infra.test. 300 IN AAAA 2001:db8::51",
    ]);
    const to = ["--connect-to", "::192.168.51.162:"];
    await eventually("the new address", 30_000, async () =>
      assert.deepEqual([await status(WEB, CLIENT_INSIDE, ...to), await status(WEB, CLIENT_OUTSIDE, ...to)], [200, 403]),
    );
  });

  it("serves at node ports, or only inside the cluster", async () => {
    const reaches = (address: string, port: number) => ["--connect-to", `::${address}:${port}`];
    const port = { type: "NodePort", nodePorts: { https: 30443 }, labels: { "example.com/team": "edge" } };
    await deploy(STACK, values({ preset: "small", service: port }, { address: undefined }));
    const [pod] = await proxies(1);
    const node = nodeAddress(Number(pod?.spec.nodeName.slice(-1)));
    await eventually("the node port", 30_000, async () =>
      assert.deepEqual(
        [
          await status(WEB, CLIENT_INSIDE, ...reaches(node, 30443)),
          await status(WEB, CLIENT_OUTSIDE, ...reaches(node, 30443)),
        ],
        [200, 403],
      ),
    );
    const live = await object<Service>("service", PROXIES);
    assert.equal(live.metadata.labels["example.com/team"], "edge");
    assert.deepEqual([live.spec.type, live.spec.externalTrafficPolicy], ["NodePort", "Local"]);

    // Node ports that were asked for have to go first.
    for (const service of [{ type: "NodePort" }, { type: "ClusterIP" }]) {
      await deploy(STACK, values({ preset: "small", service }, { address: undefined }));
    }
    await eventually("the cluster's own address", 30_000, async () => {
      const { spec } = await object<Service>("service", PROXIES);
      assert.deepEqual([spec.type, spec.externalTrafficPolicy], ["ClusterIP", undefined]);
      assert.ok(spec.ports.every(({ nodePort }) => nodePort === undefined));
      assert.equal(await status(OPEN, CLIENT_INSIDE, ...reaches(String(spec.clusterIP), 443)), 200);
    });
    assert.deepEqual((await stackOutputs(theLab(), STACK)).dnsRecords, []);
  });

  it("leaves nothing when it is removed, and has the other keys of a new Service", async () => {
    await destroy(STACK);
    await eventually("the end of what Istio made", 60_000, async () => {
      for (const kind of ["deployment", "service", "serviceaccount", "pdb", "hpa", "configmap", "gateway", "pods"]) {
        assert.deepEqual(await names(kind), [], kind);
      }
    });
    const service = {
      loadBalancerClass: "example.com/internal",
      healthCheckNodePort: 31234,
      allocateLoadBalancerNodePorts: false,
      ipFamilyPolicy: "SingleStack",
      ipFamilies: ["IPv4"],
      annotations: { "example.com/note": "hello" },
    };
    // No load balancer of the lab has this class, so there is no address.
    const placeless = { address: undefined, programmedTimeout: "0s" };
    const preferred = { preset: "small", podAntiAffinity: "preferred" };
    await deploy(STACK, values({ ...preferred, service }, placeless));
    await eventually("the Service", 30_000, async () => {
      const { metadata, spec } = await object<Service>("service", PROXIES);
      const { ipFamilies, annotations: _, ...rest } = service;
      assert.deepEqual(Object.fromEntries(Object.keys(rest).map((key) => [key, spec[key]])), rest);
      assert.deepEqual(spec.ipFamilies, ipFamilies);
      assert.equal(metadata.annotations["example.com/note"], "hello");
    });
    const [pod] = await proxies(1);
    assert.match(JSON.stringify(pod?.spec.affinity), /preferredDuringSchedulingIgnoredDuringExecution/);

    // Kubernetes changes no class: verify says so, until the Service is made again.
    const nlb = values(
      { ...preferred, service: { loadBalancer: { type: "aws-nlb", internal: true, subnets: ["subnet-1"] } } },
      placeless,
    );
    await deploy(STACK, nlb);
    await eventually("the row of the class", 30_000, async () => {
      const failed = (await rowsOf(nlb, "infrastructure")).filter(({ state }) => state === "failed");
      assert.match(words(failed), /^failed: the service is as the stack says: .*(annotations|loadBalancerClass)/);
    });
    await kubectl("delete", "service", PROXIES, "-n", NAMESPACE);
    await eventually("the new Service", 30_000, async () => {
      const { metadata, spec } = await object<Service>("service", PROXIES);
      assert.equal(spec.loadBalancerClass, "service.k8s.aws/nlb");
      const aws = "service.beta.kubernetes.io/aws-load-balancer";
      assert.equal(metadata.annotations[`${aws}-scheme`], "internal");
      assert.equal(metadata.annotations[`${aws}-subnets`], "subnet-1");
    });
  });

  it("annotates its Service for GKE and AKS", async () => {
    const balanced = async (loadBalancer: Values, annotations: Record<string, string>) => {
      const gateway = { address: undefined, programmedTimeout: "0s" };
      await deploy(STACK, values({ preset: "small", service: { loadBalancer } }, gateway));
      await eventually(`the annotations of ${String(loadBalancer.type)}`, 30_000, async () => {
        const { metadata } = await object<Service>("service", PROXIES);
        const found = Object.keys(annotations).map((key) => [key, metadata.annotations[key]]);
        assert.deepEqual(Object.fromEntries(found), annotations);
      });
    };
    await kubectl("delete", "gateway", STACK, "-n", NAMESPACE);
    await eventually("the end of the Service", 30_000, async () => assert.deepEqual(await names("service"), []));
    await destroy(STACK);
    await balanced(
      { type: "gke", internal: true, globalAccess: true },
      {
        "networking.gke.io/load-balancer-type": "Internal",
        "networking.gke.io/internal-load-balancer-allow-global-access": "true",
      },
    );
    await balanced(
      { type: "aks", internal: true, subnet: "edge" },
      {
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
        "service.beta.kubernetes.io/azure-load-balancer-internal-subnet": "edge",
      },
    );
    // What the other one wrote is gone.
    const { metadata } = await object<Service>("service", PROXIES);
    assert.ok(!Object.keys(metadata.annotations).some((key) => key.startsWith("networking.gke.io/")));
  });
});
