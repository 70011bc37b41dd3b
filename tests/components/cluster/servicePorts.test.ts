import assert from "node:assert/strict";
import { requireServicePorts } from "../../../components/cluster/servicePorts";
import { backendsOf, type StackConfig } from "../../../config";
import { emittedObjects } from "../../../emit/objects";
import { emittedResources } from "../../../emit/resources";
import { register } from "../../support/deployment";
import { checked } from "../../support/stacks";

type Values = Record<string, unknown>;

const SERVICE = "kubernetes:core/v1:Service";
const PORTS = [
  { name: "http", port: 8080 },
  { name: "metrics", port: 9090 },
];

/** What a cluster answers in which every Service has these ports, and what was read of it. */
async function asked(config: StackConfig, ports: readonly Values[] = PORTS) {
  let targets: string[] = [];
  let message = "";
  const resources = await register(
    () =>
      requireServicePorts(config, {}).then(
        ({ services }) => {
          targets = services.flatMap(backendsOf).map(({ service, port }) => `${service}:${port}`);
        },
        (error: unknown) => {
          assert.ok(error instanceof Error);
          assert.equal(error.stack, undefined, "Pulumi would have it coloured");
          message = error.message;
        },
      ),
    { [SERVICE]: { spec: { ports } } },
  );
  return { targets, message, read: resources.map(({ type, name }) => `${type} ${name}`) };
}

const service = (more: Values) => ({ name: "web", namespace: "apps", ...more });

describe("components/servicePorts", () => {
  const named = checked({
    services: [
      service({
        port: "http",
        paths: ["/", { path: "/metrics", port: "metrics" }],
        mirror: { service: "copy", port: 1 },
      }),
      service({ name: "again", port: "metrics", backends: [{ service: "web" }] }),
    ],
  });

  it("are read once of each Service, and of none without names", async () => {
    const { targets, message, read } = await asked(named);
    assert.deepEqual([...new Set(targets)].sort(), ["copy:1", "web:8080", "web:9090"]);
    assert.equal(message, "");
    assert.deepEqual(read, [`${SERVICE} services[0].port (web): "http" needs this Service, a number does not`]);
    assert.deepEqual(await asked(checked()), { targets: ["web:80"], message: "", read: [] });
  });

  it("are those of streams too", async () => {
    const stream = { name: "db", namespace: "apps", protocol: "tcp", listenPort: 5432, port: "postgres" };
    const config = checked({ services: [stream] });
    let ports: (number | undefined)[] = [];
    const state = { [SERVICE]: { spec: { ports: [{ name: "postgres", port: 5433 }] } } };
    await register(async () => {
      const { streams } = await requireServicePorts(config, {});
      ports = streams.flatMap(({ backends }) => backends.map(({ port }) => port));
    }, state);
    assert.deepEqual(ports, [5433]);
  });

  it("are refused together if Services do not have them", async () => {
    const { message } = await asked(named, [{ name: "web", port: 80 }]);
    const expected = "expected a port of the Service apps/web: web (80)";
    assert.deepEqual(message.split("\n"), [
      "stack config has 3 mistakes, nothing was changed:",
      `  istio-gateway:services[0].port (web): "http", ${expected}`,
      `  istio-gateway:services[0].paths[1].port (web): "metrics", ${expected}`,
      `  istio-gateway:services[1].port (again): "metrics", ${expected}`,
    ]);
  });

  it("let the deployer get those Services, and no other", async () => {
    const read = async (config: StackConfig) => (await emittedObjects(config)).filter((object) => object.read === true);
    const crd = (await read(checked())).map(({ name }) => name);
    assert.deepEqual(
      (await read(named)).filter(({ name }) => !crd.includes(name)),
      [{ group: "", kind: "Service", name: "web", namespace: "apps", read: true }],
    );
  });

  it("show as names in what is emitted without a cluster", async () => {
    const resources = await emittedResources(named, "dev");
    const route = resources.find(({ type, name }) => type.endsWith(":HTTPRoute") && name === "gateway-again");
    const { rules } = route?.props.spec as { rules: { backendRefs: object[] }[] };
    assert.deepEqual(rules[0]?.backendRefs, [{ name: "web", port: "metrics", weight: 1 }]);
  });
});
