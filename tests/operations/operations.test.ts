import assert from "node:assert/strict";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { noneFailed, steadyTraffic } from "../faults/support/traffic";
import { deploy, destroy, prepare, pulumi, pulumiOk, theLab, writeStack, type Values } from "../e2e/support/lab";
import { LOAD_CONNECTIONS, loadDuring } from "../e2e/support/load";

/** Scenarios of docs/operations.md, with the page's commands: those that are not in files of their own, which the page names. */
const STACK = "operations";
const DOMAIN = "operations.test";
const NAMESPACE = "operations-system";
const GATEWAY = { name: "operations", namespace: NAMESPACE, address: "192.168.51.200" };

interface Service {
  name: string;
  host?: string;
  namespace?: string;
  backend?: string;
  backendNamespace?: string;
}
const values = (services: readonly Service[], more: object = {}): Values => ({
  domain: DOMAIN,
  gateway: GATEWAY,
  services: services.map(({ name, host, namespace, backend, backendNamespace }) => ({
    name,
    host: host === undefined ? undefined : `${host}.${DOMAIN}`,
    namespace: namespace ?? "operations-apps",
    port: 8080,
    backends: [{ service: backend ?? name, namespace: backendNamespace }],
    rateLimit: { type: "local", requests: 100_000, per: "second" },
  })),
  ...more,
});
/** Name of a service's route. */
const routeOf = (service: string, { name, namespace } = GATEWAY) => `httproute/${service}.${name}.${namespace}`;
const SHOP = { name: "shop", host: "web", backend: "web" };
const UP = ["up", "--yes", "--skip-preview"];
/** As users run it, with a preview first. */
const PREVIEWED_UP = ["up", "--yes"];

describe("operations", function () {
  this.timeout(900_000);
  const answeredBy = async (host: string) => {
    const { status, headers } = await request(theLab(), `https://${host}.${DOMAIN}/`);
    return status === 200 ? headers["x-backend"] : String(status);
  };
  const eventuallyBy = (host: string, backend: string) =>
    eventually(`${host} at ${backend}`, 30_000, async () => assert.equal(await answeredBy(host), backend));
  /** Changes the stack while a host is under load; no request may fail, unless connections do. */
  const changeUnderLoad = async (to: Values, host: string, up = UP, lost = 0) => {
    await prepare(STACK, to);
    const { sent, answered } = await loadDuring(pulumiOk(STACK, up), `${host}.${DOMAIN}`, 2000);
    assert.ok(sent - answered <= lost, `${sent - answered} of ${sent} requests failed`);
  };
  const noChanges = () => pulumiOk(STACK, [...UP, "--refresh", "--expect-no-changes"]);
  const objects = (kinds: string) =>
    theLab().kubectl(["get", kinds, "-A", "-l", "app.kubernetes.io/part-of=operations", "-o", "name"]);

  const get = (object: string, namespace: string, path: string) =>
    theLab().kubectl(["get", object, "-n", namespace, "-o", `jsonpath={${path}}`]);
  const uid = (object: string, namespace: string) => get(object, namespace, ".metadata.uid");
  /** Who owns fields of an object, apart from its status. */
  const managers = async (object: string, namespace: string) => {
    const command = ["get", object, "-n", namespace, "-o", "json", "--show-managed-fields"];
    const { metadata } = JSON.parse(await theLab().kubectl(command)) as {
      metadata: { managedFields: { manager: string; subresource?: string }[] };
    };
    const own = metadata.managedFields.filter(({ subresource }) => subresource === undefined);
    return own.map(({ manager }) => manager).sort();
  };
  /** A preview ends with one error that lists these objects; an update creates what else there is, and leaves these alone. */
  const refuses = async (objects: readonly string[]) => {
    const { code, stdout, stderr } = await pulumi(STACK, PREVIEWED_UP);
    assert.notEqual(code, 0);
    const said = stdout + stderr;
    const what = objects.length === 1 ? "1 new object" : `${objects.length} new objects`;
    const list = [`${what} cannot be created, nothing was changed:`, ...objects].join("\\n\\s+");
    assert.match(said, new RegExp(`${list}\n\\s+What exists already is taken over by .*adopt set to true`));
    assert.doesNotMatch(said, /Updating|\bat .+\.ts:\d+/);
  };

  after(async () => {
    const existing = ["gateway/operations", "secret/company-tls"];
    await theLab().run(["kubectl", "delete", "-n", NAMESPACE, ...existing, "--ignore-not-found"]);
  });

  const existing = { certificate: { type: "existing", secretName: "company-tls" } };
  const byHand = [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: GATEWAY.name, namespace: NAMESPACE },
      spec: {
        gatewayClassName: "istio",
        addresses: [{ type: "IPAddress", value: GATEWAY.address }],
        listeners: [
          {
            ...{ name: "https", port: 443, protocol: "HTTPS", hostname: `*.${DOMAIN}` },
            tls: { mode: "Terminate", certificateRefs: [{ name: "company-tls" }] },
            allowedRoutes: { namespaces: { from: "All" } },
          },
        ],
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
  /** As `kubectl apply --server-side` by somebody. */
  const applyByHand = (items: readonly object[], ...more: readonly string[]) =>
    theLab().kubectl(
      ["apply", "--server-side", ...more, "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    );

  it("refuses an existing Gateway in an error, before anything is changed", async () => {
    // The lab creates a stack's `existing` Secret; somebody wrote the Gateway and its route by hand.
    await prepare(STACK, values([{ name: "web" }], existing));
    await applyByHand(byHand);
    await eventuallyBy("web", "web");
    await refuses([`Gateway ${NAMESPACE}/operations`]);
    // The namespace of a service is missing.
    const nowhere = { name: "nowhere", namespace: "operations-nowhere" };
    await theLab().take(STACK, writeStack(STACK, values([{ name: "web" }, nowhere], existing)));
    await refuses([
      `Gateway ${NAMESPACE}/operations`,
      `HTTPRoute operations-nowhere/${routeOf("nowhere").split("/")[1]}`,
    ]);
    await theLab().take(STACK, writeStack(STACK, values([{ name: "web" }], existing)));
    assert.equal(await objects("gateways,httproutes,envoyfilters"), "");
    // Without a preview, what is missing is created, and what exists is left alone.
    const { code, stdout, stderr } = await pulumi(STACK, UP);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /gateways\S* "operations" already exists/);
    assert.match(await objects("httproutes"), /\/web\.operations\./);
    assert.deepEqual(await managers("gateway/operations", NAMESPACE), ["kubectl"]);
    assert.equal(await answeredBy("web"), "web");
  });

  it("adopts it, and no request fails on a new connection", async () => {
    const before = await uid("gateway/operations", NAMESPACE);
    // The Gateway's new annotations replace its only Pod, and the load balancer moves its address to another node.
    const web = { name: "web", backend: "adopted" };
    const adopted = values([web], { ...existing, adopt: true });
    await changeUnderLoad(adopted, "web", PREVIEWED_UP, LOAD_CONNECTIONS);
    assert.equal(await uid("gateway/operations", NAMESPACE), before, "the same object");
    assert.deepEqual(await managers("gateway/operations", NAMESPACE), ["istio-gateway/operations", "kubectl"]);
    // An empty apply gives up the previous manager's fields.
    const bare = byHand
      .filter(({ kind }) => kind === "Gateway")
      .map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }));
    await applyByHand(bare, "--validate=false");
    await changeUnderLoad(values([web], existing), "web", PREVIEWED_UP);
    assert.deepEqual(await managers("gateway/operations", NAMESPACE), ["istio-gateway/operations"]);
    await noChanges();
    // The program's route has another name, and here another backend. Where both match, the older one is used.
    assert.equal(await answeredBy("web"), "web");
    const old = theLab().kubectl(["delete", "httproute", "web", "-n", "operations-apps"]);
    const { sent, answered } = await loadDuring(old, `web.${DOMAIN}`, 2000);
    assert.equal(answered, sent);
    await eventuallyBy("web", "adopted");
    // From the company's Secret to a certificate that the program creates.
    await changeUnderLoad(values([{ name: "web" }]), "web", PREVIEWED_UP);
  });

  it("takes up again what the state has lost, without a failed request", async () => {
    const before = [await uid("gateway/operations", NAMESPACE), await uid(routeOf("web"), "operations-apps")];
    const urns = await pulumiOk(STACK, ["stack", "--show-urns"]);
    const route = /urn:\S+:HTTPRoute::gateway-web/.exec(urns)?.[0];
    assert.ok(route, urns);
    // With the Gateway and its settings, which depend on the routes.
    await pulumiOk(STACK, ["state", "delete", route, "--target-dependents", "--yes"]);
    const lost = [`ConfigMap ${NAMESPACE}/operations--infrastructure`, `Gateway ${NAMESPACE}/operations`];
    await refuses([...lost, `HTTPRoute operations-apps/${routeOf("web").split("/")[1]}`]);
    await changeUnderLoad(values([{ name: "web" }], { adopt: true }), "web", PREVIEWED_UP);
    await changeUnderLoad(values([{ name: "web" }]), "web", PREVIEWED_UP);
    await noChanges();
    const now = [await uid("gateway/operations", NAMESPACE), await uid(routeOf("web"), "operations-apps")];
    assert.deepEqual(now, before, "the same objects");
  });

  it("renames a service without a failed request", async () => {
    await changeUnderLoad(values([SHOP]), "web");
    await eventuallyBy("web", "web");
    assert.match(await objects("httproutes"), /httproute\S*\/shop\.operations\./);
    assert.doesNotMatch(await objects("httproutes"), /\/web\./);
  });

  it("moves a host to a service in another namespace without a failed request", async () => {
    const next = { name: "next", namespace: "operations-other" };
    await changeUnderLoad(values([SHOP, next]), "web");
    await eventuallyBy("next", "next");
    // The service that loses the host gets a new name, so that its old route is deleted last.
    await changeUnderLoad(
      values([
        { name: "shop-before", host: "before", backend: "web" },
        { ...next, host: "web" },
      ]),
      "web",
    );
    await eventuallyBy("web", "next");
    await eventuallyBy("before", "web");
  });

  it("moves a service to another namespace without a failed request", async () => {
    const moved = { ...SHOP, namespace: "operations-other", backend: "moved" };
    await changeUnderLoad(values([SHOP]), "web");
    await changeUnderLoad(values([moved]), "web");
    await eventuallyBy("web", "moved");
    await changeUnderLoad(values([SHOP]), "web");
    await eventuallyBy("web", "web");
    assert.doesNotMatch(await get("httproutes", "operations-other", ".items[*].metadata.name"), /./);
  });

  it("changes a backend in another namespace without a failed request", async () => {
    const at = (backend: string) => values([{ ...SHOP, backend, backendNamespace: "operations-other" }]);
    await changeUnderLoad(at("next"), "web");
    await eventuallyBy("web", "next");
    await changeUnderLoad(at("last"), "web");
    await eventuallyBy("web", "last");
    assert.equal((await objects("referencegrants")).trim().split("\n").length, 1);
  });

  it("rolls back to an earlier stack file", async () => {
    const good = values([SHOP]);
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
    await changeUnderLoad(values([SHOP, { name: "a" }]), "web");
    await eventuallyBy("a", "a");
    await changeUnderLoad(values([SHOP]), "web");
    await eventually("the end of the route", 30_000, async () => assert.equal(await answeredBy("a"), "404"));
    assert.equal((await objects("httproutes")).trim().split("\n").length, 2, "the redirect and one route");
  });

  const RENAMED = { ...GATEWAY, name: "operations-renamed", address: "192.168.51.201" };
  const keyOf = ({ name, namespace }: typeof GATEWAY) =>
    get(`secret/${name}--wildcard-operations-test-tls`, namespace, ".data.tls\\.key");

  it("cannot rename the gateway with its address: the update stops, and nothing has moved", async () => {
    const both = { ...RENAMED, address: GATEWAY.address, programmedTimeout: "10s" };
    await prepare(STACK, values([SHOP], { gateway: both }));
    assert.notEqual((await pulumi(STACK, UP)).code, 0);
    assert.equal(await answeredBy("web"), "web");
    assert.match(await uid("gateway/operations", NAMESPACE), /./);
    assert.match(await uid(routeOf("shop"), "operations-apps"), /./);
  });

  // From where the update stopped.
  it("renames the gateway: its routes are made anew, its key stays", async () => {
    const key = await keyOf(GATEWAY);
    await prepare(STACK, values([SHOP], { gateway: RENAMED }));
    await pulumiOk(STACK, PREVIEWED_UP);
    await eventuallyBy("web", "web");
    assert.equal(await keyOf(RENAMED), key);
    assert.match(await uid(routeOf("shop", RENAMED), "operations-apps"), /./);
    assert.equal(await objects("gateways,httproutes,envoyfilters,secrets"), "", "nothing of the old name is left");
    await noChanges();
  });

  it("moves it to another namespace, adopting: its routes are made anew, its key stays", async () => {
    const key = await keyOf(RENAMED);
    const moved = { ...GATEWAY, namespace: "operations-moved", address: "192.168.51.202" };
    await prepare(STACK, values([SHOP], { gateway: moved, adopt: true }));
    await pulumiOk(STACK, PREVIEWED_UP);
    await eventuallyBy("web", "web");
    assert.match(await uid(routeOf("shop", moved), "operations-apps"), /./);
    assert.equal(await keyOf(moved), key);
    assert.equal(
      await theLab().kubectl(["get", "gateways,httproutes,envoyfilters", "-n", NAMESPACE, "-o", "name"]),
      "",
    );
    await noChanges();
    await theLab().take(STACK, writeStack(STACK, values([SHOP], { gateway: moved })));
    await pulumiOk(STACK, PREVIEWED_UP);
  });

  it("replaces the gateway by one beside it without a failed request", async () => {
    const host = `web.${DOMAIN}`;
    const beside = { name: "beside", namespace: "operations-beside", address: "192.168.51.203" };
    const old = await steadyTraffic("192.168.51.202", host);
    await deploy("operations-beside", values([SHOP], { gateway: beside }));
    await eventuallyBy("web", "web");
    // Clients move with the DNS records.
    const now = await steadyTraffic(beside.address, host);
    await noneFailed(old);
    await destroy(STACK);
    await noneFailed(now);
    assert.equal(await objects("gateways,httproutes,secrets,envoyfilters,configmaps"), "", "nothing is left");
    await destroy("operations-beside");
  });

  it("deploys for the first time beside an existing Istio", async () => {
    await deploy(STACK, values([{ name: "web" }]));
    await eventuallyBy("web", "web");
    await destroy(STACK);
  });
});
