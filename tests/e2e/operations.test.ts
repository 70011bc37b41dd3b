import assert from "node:assert/strict";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { deploy, destroy, prepare, pulumi, pulumiOk, theLab } from "./support/lab";
import { loadDuring } from "./support/load";

/** The scenarios of docs/operations.md, in order and with the page's commands. Those for faults are in tests/faults. */
const STACK = "operations";
const DOMAIN = "operations.test";
const NAMESPACE = "operations-system";
const GATEWAY = { name: "operations", namespace: NAMESPACE, address: "192.168.51.200" };

interface Service {
  name: string;
  host?: string;
  backend?: string;
}
const values = (services: readonly Service[], more: object = {}) => ({
  domain: DOMAIN,
  gateway: GATEWAY,
  services: services.map(({ name, host, backend }) => ({
    name,
    host: host === undefined ? undefined : `${host}.${DOMAIN}`,
    namespace: "operations-apps",
    port: 8080,
    backends: [{ service: backend ?? name }],
    rateLimit: { type: "local", requests: 100_000, per: "second" },
  })),
  ...more,
});
const UP = ["up", "--yes", "--skip-preview"];

describe("operations", function () {
  this.timeout(300_000);
  const answeredBy = async (host: string) => {
    const { status, headers } = await request(theLab(), `https://${host}.${DOMAIN}/`);
    return status === 200 ? headers["x-backend"] : String(status);
  };
  const eventuallyBy = (host: string, backend: string) =>
    eventually(`${host} at ${backend}`, 30_000, async () => assert.equal(await answeredBy(host), backend));
  /** Changes the stack while a host is under load; no request may fail. */
  const changeUnderLoad = async (to: object, host: string) => {
    await prepare(STACK, to as Record<string, unknown>);
    const { sent, answered } = await loadDuring(pulumiOk(STACK, UP), `${host}.${DOMAIN}`, 2000);
    assert.equal(answered, sent);
  };
  const objects = (kinds: string) =>
    theLab().kubectl(["get", kinds, "-A", "-l", "app.kubernetes.io/part-of=operations", "-o", "name"]);

  after(async () => {
    await theLab().run([
      "kubectl",
      "delete",
      "-n",
      NAMESPACE,
      "gateway/operations",
      "secret/company-tls",
      "--ignore-not-found",
    ]);
  });

  it("adopts an existing Gateway and Secret without a failed request", async () => {
    const lab = theLab();
    const existing = { certificate: { type: "existing", secretName: "company-tls" } };
    // The lab creates a stack's `existing` Secret; somebody wrote the Gateway and its route by hand.
    await prepare(STACK, values([{ name: "web" }], existing));
    const listener = { name: "https", port: 443, protocol: "HTTPS", hostname: `*.${DOMAIN}` };
    const tls = { mode: "Terminate", certificateRefs: [{ name: "company-tls" }] };
    const byHand = [
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: GATEWAY.name, namespace: NAMESPACE },
        spec: {
          gatewayClassName: "istio",
          addresses: [{ type: "IPAddress", value: GATEWAY.address }],
          listeners: [{ ...listener, tls, allowedRoutes: { namespaces: { from: "All" } } }],
        },
      },
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "web", namespace: "operations-apps" },
        spec: {
          parentRefs: [{ name: GATEWAY.name, namespace: NAMESPACE }],
          hostnames: [`web.${DOMAIN}`],
          rules: [{ backendRefs: [{ name: "web", port: 8080 }] }],
        },
      },
    ];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: byHand });
    await lab.kubectl(["apply", "--server-side", "-f", "-"], list);
    await eventuallyBy("web", "web");
    const uid = () => lab.kubectl(["get", "gateway", GATEWAY.name, "-n", NAMESPACE, "-o", "jsonpath={.metadata.uid}"]);
    const before = await uid();
    // Server-side apply rejects changes to what another manager owns: nothing is taken over without asking.
    const refused = await pulumi(STACK, UP);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stdout + refused.stderr, /conflict[\s\S]*kubectl/);
    await changeUnderLoad(values([{ name: "web" }], { ...existing, adopt: true }), "web");
    assert.equal(await uid(), before, "the Gateway is the same object");
    // An empty apply gives up the previous manager's fields.
    const bare = byHand.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }));
    await lab.kubectl(
      ["apply", "--server-side", "--validate=false", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items: bare }),
    );
    await changeUnderLoad(values([{ name: "web" }], existing), "web");
    await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
    // From the company's Secret to a certificate that the program creates.
    await changeUnderLoad(values([{ name: "web" }]), "web");
  });

  it("renames a service without a failed request", async () => {
    await changeUnderLoad(values([{ name: "shop", host: "web", backend: "web" }]), "web");
    await eventuallyBy("web", "web");
    assert.match(await objects("httproutes"), /httproute\S*\/shop\n/);
    assert.doesNotMatch(await objects("httproutes"), /\/web\n/);
  });

  it("moves a host to another service without a failed request", async () => {
    await changeUnderLoad(values([{ name: "shop", host: "web", backend: "web" }, { name: "next" }]), "web");
    await eventuallyBy("next", "next");
    // The service that loses the host gets a new name, so that its old route is deleted last.
    await changeUnderLoad(
      values([
        { name: "shop-before", host: "before", backend: "web" },
        { name: "next", host: "web" },
      ]),
      "web",
    );
    await eventuallyBy("web", "next");
    await eventuallyBy("before", "web");
  });

  it("rolls back to an earlier stack file", async () => {
    const good = values([{ name: "shop", host: "web", backend: "web" }]);
    await changeUnderLoad(good, "web");
    const bad = values([{ name: "shop", host: "web", backend: "broken" }]);
    await prepare(STACK, bad);
    await pulumiOk(STACK, UP);
    await eventuallyBy("web", "broken");
    await changeUnderLoad(good, "web");
    await eventuallyBy("web", "web");
    await pulumiOk(STACK, [...UP, "--expect-no-changes"]);
  });

  it("removes a service, and leaves the others alone", async () => {
    await changeUnderLoad(values([{ name: "shop", host: "web", backend: "web" }, { name: "a" }]), "web");
    await eventuallyBy("a", "a");
    await changeUnderLoad(values([{ name: "shop", host: "web", backend: "web" }]), "web");
    await eventually("the end of the route", 30_000, async () => assert.equal(await answeredBy("a"), "404"));
    assert.equal((await objects("httproutes")).trim().split("\n").length, 2, "the redirect and one route");
  });

  it("destroys everything", async () => {
    await destroy(STACK);
    assert.equal(await objects("gateways,httproutes,secrets,envoyfilters,configmaps"), "");
  });

  it("deploys for the first time beside an existing Istio", async () => {
    await deploy(STACK, values([{ name: "web" }]));
    await eventuallyBy("web", "web");
    await destroy(STACK);
  });
});
