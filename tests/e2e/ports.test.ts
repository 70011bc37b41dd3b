import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { list } from "../../lab/manifests";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import {
  deploy,
  destroy,
  prepare,
  pulumi,
  pulumiOk,
  theLab,
  writeServices,
  writeStack,
  type Values,
} from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "ports";
const NAMESPACE = "ports-apps";

const values = (port: number | string = "http", service = "web"): Values => ({
  domain: "ports.test",
  gateway: { name: STACK, namespace: "ports-system", address: "192.168.51.178" },
  services: [
    {
      name: "web",
      namespace: NAMESPACE,
      port,
      backends: [{ service }],
      paths: ["/", { path: "/metrics", port: "metrics" }],
    },
    { name: "again", namespace: NAMESPACE, port: "metrics", backends: [{ service: "web" }] },
    { name: "headless", namespace: NAMESPACE, port: "http" },
    { name: "external", namespace: NAMESPACE, port: "http" },
    {
      name: "versioned",
      namespace: NAMESPACE,
      port: 8080,
      canary: { versions: { selector: { app: "versioned" }, targetPort: "web" }, percent: 0 },
    },
  ],
});

interface Port {
  readonly name: string;
  readonly port: number;
}

const kubectl = (...args: string[]) => theLab().kubectl(["-n", NAMESPACE, ...args]);

async function portsOf(service: string): Promise<Port[]> {
  return (JSON.parse(await kubectl("get", "service", service, "-o", "json")) as { spec: { ports: Port[] } }).spec.ports;
}

/** Its number; the lab gives the first name 9000, and its Pod the same. */
async function numberOf(service: string, name: string): Promise<number> {
  const found = (await portsOf(service)).find((port) => port.name === name);
  assert.ok(found, `${service} has no ${name}`);
  return found.port;
}

/** Replaces a Service by one of another kind, with the same ports. */
async function remake(name: string, spec: object): Promise<void> {
  const ports = (await portsOf(name)).map(({ name: port, port: number }) => ({
    name: port,
    port: number,
    appProtocol: "http",
  }));
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: NAMESPACE },
    spec: { ...spec, ports },
  };
  await theLab().kubectl(["replace", "--force", "-f", "-"], list([object]));
}

/** The status, and the port of the Pod that answered. */
async function ask(url: string): Promise<[status: number, port?: number]> {
  const { status, body } = await request(theLab(), url);
  return status === 200 ? [status, (JSON.parse(body) as { port: number }).port] : [status];
}

async function answers(url: string, ...expected: [status: number, port?: number]): Promise<void> {
  await eventually(url, 30_000, async () => assert.deepEqual(await ask(url), expected));
}

describe("ports", function () {
  this.timeout(300_000);
  before(async () => {
    await prepare(STACK, values());
    await remake("headless", { clusterIP: "None" });
    await remake("external", { type: "ExternalName", externalName: `web.${NAMESPACE}.svc.cluster.local` });
    await deploy(STACK, values());
  });
  after(async () => {
    await destroy(STACK);
    // The lab makes its own again.
    await kubectl("delete", "service", "web", "headless", "external");
  });

  it("by name are those of their Services", async () => {
    const [http, metrics] = [await numberOf("web", "http"), await numberOf("web", "metrics")];
    assert.notEqual(http, metrics);
    await answers("https://web.ports.test/", 200, http);
    await answers("https://web.ports.test/metrics", 200, metrics);
    await answers("https://again.ports.test/", 200, metrics);
    await answers("https://headless.ports.test/", 200, await numberOf("headless", "http"));
    await answers("https://versioned.ports.test/", 200, 9000);
    await answers("https://external.ports.test/", 200, await numberOf("external", "http"));
    const failed = (await verified(STACK, values())).filter(({ state }) => state === "failed");
    assert.equal(words(failed), "");
  });

  it("are read once from each Service, and change nothing as long as it does not", async () => {
    const state = JSON.parse(await pulumiOk(STACK, ["stack", "export"])) as {
      deployment: { resources: { external?: boolean; id?: string }[] };
    };
    const read = state.deployment.resources.filter(({ external }) => external === true).map(({ id }) => id);
    const services = ["external", "headless", "web"].map((name) => `${NAMESPACE}/${name}`);
    assert.deepEqual(read.filter((id) => id?.startsWith(NAMESPACE)).sort(), services);
    await pulumiOk(STACK, ["preview", "--expect-no-changes"]);
  });

  it("get their new numbers by the next update", async () => {
    const [pod, metrics] = [await numberOf("web", "http"), await numberOf("web", "metrics")];
    const ports = (await portsOf("web")).map((port) => (port.name === "http" ? { ...port, port: 9100 } : port));
    await kubectl("patch", "service", "web", "--type=merge", "--patch", JSON.stringify({ spec: { ports } }));
    await answers("https://web.ports.test/", 500);
    const causes = (await verified(STACK, values())).map(({ cause = "" }) => cause).join("\n");
    assert.match(causes, /no such port \(pulumi up looks ports by name up again\)/);
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    await answers("https://web.ports.test/", 200, pod);
    await answers("https://web.ports.test/metrics", 200, metrics);
  });

  it("are found in files where no cluster is asked", async () => {
    const rendered = mkdtempSync(join(tmpdir(), "gateway-ports-"));
    try {
      writeServices("known.yaml", parse(await kubectl("get", "services", "-o", "yaml")) as object);
      const gatewayApi = { channel: "experimental", version: "v1.5.1" };
      const kubernetes = { renderDirectory: rendered, services: ["known.yaml"], gatewayApi };
      await theLab().take("ports-rendered", writeStack("ports-rendered", { ...values(), kubernetes }));
      await pulumiOk("ports-rendered", ["up", "--yes", "--skip-preview"]);
      const file = `gateway.networking.k8s.io_v1-httproute-${NAMESPACE}-web.ports.ports-system.yaml`;
      const { spec } = parse(readFileSync(join(rendered, "1-manifest", file), "utf8")) as {
        spec: { rules: { backendRefs: { port: number }[] }[] };
      };
      const numbers = spec.rules.map(({ backendRefs }) => backendRefs.map(({ port }) => port));
      assert.deepEqual(numbers, [[await numberOf("web", "metrics")], [9100]]);
    } finally {
      await destroy("ports-rendered");
      rmSync(rendered, { recursive: true });
    }
  });

  it("are refused where their Service lacks them or is missing, before anything changes", async () => {
    const routes = () => kubectl("get", "httproutes", "-o", "jsonpath={.items[*].metadata.resourceVersion}");
    const before = await routes();
    const refused = async (stack: Values, expected: RegExp) => {
      await theLab().take(STACK, writeStack(STACK, stack));
      for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
        const { code, stdout, stderr } = await pulumi(STACK, command);
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, expected);
        assert.doesNotMatch(stdout + stderr, /\bat .+\.ts:\d+/, "no stack trace");
      }
      assert.equal(await routes(), before);
    };
    await refused(
      values("htpp"),
      /istio-gateway:services\[0\]\.port \(web\): "htpp", expected a port of the Service ports-apps\/web: .*http \(9100\)/,
    );
    await refused(
      values("http", "absent"),
      /\(services\[0\]\.port \(web\): "http" needs this Service, a number does not\):\s+error: .*'ports-apps\/absent' does not exist/,
    );
    await theLab().take(STACK, writeStack(STACK, values()));
  });
});
