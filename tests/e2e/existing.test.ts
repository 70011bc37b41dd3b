import assert from "node:assert/strict";
import { join } from "node:path";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { eventually } from "../../lab/processes";
import { handshake, request, stackOutputs } from "../../lab/probe";
import { deploy, destroy, prepare, pulumi, theLab, writeStack, type Values } from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "existing";
const NAMESPACE = "existing-system";
const SERVICE = "istio-ingressgateway";
const ADDRESS = "192.168.51.163";

const values = (existing: Values = {}): Values => ({
  domain: "existing.test",
  gateway: {
    name: STACK,
    namespace: NAMESPACE,
    existing: { service: SERVICE, ...existing },
    clientAddress: { trustedProxies: 0 },
    tls: { minVersion: "1.3" },
  },
  telemetry: { accessLogs: { provider: "gateway-json" } },
  services: [
    { name: "web", namespace: "existing-apps", port: 8080, access: { allow: ["192.168.0.0/16"] } },
    {
      name: "limited",
      namespace: "existing-apps",
      port: 8080,
      rateLimit: { type: "local", requests: 2, per: "hour" },
    },
  ],
});

/** Istio's chart `gateway`, rendered. @param set Values of the chart. */
async function chart(...set: string[]): Promise<string> {
  const { programs, istioCharts } = theLab().tools;
  const args = ["template", SERVICE, join(istioCharts, "gateway"), "--namespace", NAMESPACE];
  return theLab().output([programs.helm, ...args, ...set.flatMap((value) => ["--set", value])]);
}

const kubectl = (...args: string[]) => theLab().kubectl(args);
const apply = async (...set: string[]) =>
  theLab().kubectl(["apply", "--server-side", "-n", NAMESPACE, "-f", "-"], await chart(...set));

/** Somebody else's hosts on the same Pods, by Istio's own API: one is served, and TLS for the other passes to the API server. */
const FOREIGN = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: foreign, namespace: ${NAMESPACE} }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts: [foreign.other.test]
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [foreign.other.test]
      tls: { mode: SIMPLE, credentialName: existing--wildcard-existing-test-tls }
    - port: { number: 443, name: tls, protocol: TLS }
      hosts: [through.other.test]
      tls: { mode: PASSTHROUGH }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: foreign, namespace: ${NAMESPACE} }
spec:
  hosts: [foreign.other.test]
  gateways: [foreign]
  http:
    - route: [{ destination: { host: web.existing-apps.svc.cluster.local, port: { number: 8080 } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: through, namespace: ${NAMESPACE} }
spec:
  hosts: [through.other.test]
  gateways: [foreign]
  tls:
    - match: [{ port: 443, sniHosts: [through.other.test] }]
      route: [{ destination: { host: kubernetes.default.svc.cluster.local, port: { number: 443 } } }]
`;

describe("existing gateway", function () {
  this.timeout(300_000);
  before(async () => {
    await prepare(STACK, values());
    // The chart's own default, Cluster.
    await apply(`service.loadBalancerIP=${ADDRESS}`);
    await kubectl("rollout", "status", `deployment/${SERVICE}`, "-n", NAMESPACE, "--timeout=90s");
  });
  after(async () => {
    await theLab().kubectl(["delete", "-n", NAMESPACE, "-f", "-", "--ignore-not-found"], await chart());
  });

  /** Mistakes that only the cluster shows, before anything is made. */
  async function refused(stack: Values, expected: RegExp): Promise<void> {
    await theLab().take(STACK, writeStack(STACK, stack));
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { code, stdout, stderr } = await pulumi(STACK, command);
      assert.notEqual(code, 0);
      assert.match(stdout + stderr, expected);
      assert.doesNotMatch(stdout + stderr, /\bat .+\.ts:\d+/, "no stack trace");
    }
    assert.equal(await kubectl("get", "gateway,envoyfilter", "-n", NAMESPACE, "-o", "name"), "");
  }

  it("refuses a Service that hides clients' addresses, has other Pods, or is missing", async () => {
    await refused(
      values(),
      /gateway\.existing\.service: "istio-ingressgateway", expected a Service with externalTrafficPolicy Local/,
    );
    await apply(`service.loadBalancerIP=${ADDRESS}`, "service.externalTrafficPolicy=Local");
    await refused(
      values({ selector: { istio: "other" } }),
      /gateway\.existing\.selector: \{"istio":"other"\}, expected labels by which the Service selects its Pods/,
    );
    await refused(values({ service: "no-such-service" }), /no-such-service/);
  });

  it("serves through the chart's Pods: redirect, certificate, TLS version, access, limits and logs", async () => {
    await deploy(STACK, values());
    const { dnsRecords } = await stackOutputs(theLab(), STACK);
    assert.deepEqual(dnsRecords, [
      `limited.existing.test. 300 IN A ${ADDRESS}`,
      `web.existing.test. 300 IN A ${ADDRESS}`,
    ]);
    assert.equal(
      await kubectl(
        "get",
        "deployments,configmaps,pdb",
        "-n",
        NAMESPACE,
        "-o",
        "name",
        "-l",
        "app.kubernetes.io/part-of=existing",
      ),
      "",
    );
    const lab = theLab();
    const to = ["--connect-to", `::${ADDRESS}:`];
    const ask = (url: string, from = CLIENT_INSIDE) => request(lab, url, { from, curl: to });
    await eventually("the routes", 60_000, async () => {
      assert.equal((await ask("https://web.existing.test/")).status, 200);
    });
    assert.equal((await ask("https://web.existing.test/", CLIENT_OUTSIDE)).status, 403);
    const redirect = await ask("http://web.existing.test/a?b=c");
    assert.deepEqual([redirect.status, redirect.headers.location], [301, "https://web.existing.test/a?b=c"]);
    assert.equal((await ask("https://unknown.existing.test/")).status, 404);
    const limited = [];
    for (let count = 0; count < 3; count++) {
      limited.push((await ask("https://limited.existing.test/")).status);
    }
    assert.deepEqual(limited, [200, 200, 429]);
    assert.equal((await ask("https://web.existing.test/")).headers.server, undefined, "hardening");
    const old = await request(lab, "https://web.existing.test/", {
      from: CLIENT_INSIDE,
      curl: [...to, "--tls-max", "1.2"],
    });
    assert.equal(old.status, 0, "TLS 1.2");
    await eventually("every row", 30_000, async () => {
      const rows = await verified(STACK, values(), "--from", CLIENT_INSIDE);
      // The lab's hosts file has another address, and the limit is used up.
      const failed = rows.filter(
        ({ state, check, what }) => state !== "ok" && check !== "dns" && !/limited/.test(what),
      );
      assert.equal(words(failed), "");
      assert.ok(rows.some(({ check }) => check === "client-address"));
    });
  });

  it("leaves other hosts of the same Pods alone on http, and refuses them on https, where a service is guarded", async () => {
    await theLab().kubectl(["apply", "--server-side", "-f", "-"], FOREIGN);
    const to = ["--connect-to", `::${ADDRESS}:`];
    await eventually("the other host", 30_000, async () => {
      const { status, headers } = await request(theLab(), "http://foreign.other.test/", {
        from: CLIENT_OUTSIDE,
        curl: to,
      });
      assert.deepEqual([status, headers["x-backend"]], [200, "web"]);
      const secure = await request(theLab(), "https://foreign.other.test/", { from: CLIENT_INSIDE, curl: to });
      assert.equal(secure.status, 403);
    });
    // The stack's TLS version is not theirs, and nothing terminates what passes through.
    const handshakeOf = (name: string) => handshake(theLab(), ADDRESS, name, ["-tls1_2"]);
    assert.equal((await handshakeOf("web.existing.test")).succeeded, false);
    const foreign = await handshakeOf("foreign.other.test");
    const through = await handshakeOf("through.other.test");
    assert.deepEqual([foreign.protocol, through.protocol], ["TLSv1.2", "TLSv1.2"]);
    assert.ok(through.serial !== "" && through.serial !== foreign.serial, "the API server's own certificate");
    await theLab().kubectl(["delete", "-f", "-"], FOREIGN);
  });

  it("leaves the chart's objects when it is destroyed", async () => {
    await destroy(STACK);
    const left = await kubectl("get", "deployment,service", "-n", NAMESPACE, "-o", "name");
    assert.deepEqual(left.trim().split("\n"), [`deployment.apps/${SERVICE}`, `service/${SERVICE}`]);
    const { status } = await request(theLab(), `http://${ADDRESS}/`, { from: CLIENT_INSIDE });
    assert.equal(status, 0);
  });
});
