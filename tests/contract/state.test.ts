import assert from "node:assert/strict";
import { inputs, namespace, OURS, refusal } from "./support/objects";
import { isSecret, secret, unknown, type Diff, type Plugin, type Properties } from "./support/plugin";
import { startPlugin, theCluster } from "./support/suite";

const NAMESPACE = "state";
/** `data: { password: "s3cret" }`, as the API server keeps it. */
const ENCODED = { password: "czNjcmV0" };

describe("kubernetes: inputs, state and differences", () => {
  let plugin: Plugin;
  let mutable: Plugin;
  before(async () => {
    const { kubeconfig } = theCluster();
    plugin = await startPlugin("kubernetes", { kubeconfig });
    mutable = await startPlugin("kubernetes", {
      kubeconfig,
      enableSecretMutable: "true",
      enableConfigMapMutable: "true",
    });
    await namespace(NAMESPACE);
  });
  after(() => [plugin, mutable].forEach((it) => it.stop()));

  const configMap = (name: string, data: Properties, meta: Properties = {}) =>
    inputs("v1", "ConfigMap", [NAMESPACE, name], { data }, meta);
  const theSecret = (name: string, rest: Properties) => inputs("v1", "Secret", [NAMESPACE, name], rest);
  const resource = (name: string, of = plugin) => of.resource("core/v1:ConfigMap", name);
  const secretResource = (name: string, of = mutable) => of.resource("core/v1:Secret", name);

  describe("check", () => {
    it("adds no label, and keeps the inputs as they are", async () => {
      const wanted = configMap("checked", { key: "1" }, { labels: { app: "web" } });
      assert.deepEqual(await resource("checked").check(wanted), wanted);
    });

    it("leaves out empty maps that the API server would drop, but not those of custom resources", async () => {
      const checked = await resource("empty").check(configMap("empty", {}, { labels: {} }));
      assert.equal(checked.data, undefined);
      assert.deepEqual(Object.keys(checked.metadata as object).sort(), ["annotations", "name", "namespace"]);
      const custom = inputs("contract.test/v1", "Widget", [NAMESPACE, "empty"], { spec: {} }, { labels: {} });
      assert.deepEqual(await plugin.resource("contract.test/v1:Widget", "empty").check(custom), custom);
    });

    it("leaves out the status of a CRD, as release files have it", async () => {
      const names = { kind: "Thing", plural: "things" };
      const spec = { group: "contract.test", names, scope: "Namespaced" };
      const metadata = { name: "things.contract.test" };
      const crd = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata, spec };
      const status = { acceptedNames: names, conditions: [], storedVersions: ["v1"] };
      const resource = plugin.resource("apiextensions.k8s.io/v1:CustomResourceDefinition", "things");
      assert.deepEqual((await resource.check({ ...crd, status })).status, undefined);
    });

    it("keeps the label of older states", async () => {
      const labels = { "app.kubernetes.io/managed-by": "pulumi" };
      const old = { id: "state/old", inputs: configMap("old", {}, { labels }), outputs: {} };
      const checked = await resource("old").check(configMap("old", {}), old);
      assert.deepEqual((checked.metadata as Properties).labels, labels);
    });

    it("fills in the namespace", async () => {
      const wanted = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "nowhere" } };
      const checked = await resource("nowhere").check(wanted);
      assert.deepEqual(checked.metadata, { name: "nowhere", namespace: "default" });
      const whole = { apiVersion: "v1", kind: "Namespace", metadata: { name: "whole" } };
      assert.deepEqual(await plugin.resource("core/v1:Namespace", "whole").check(whole), whole);
    });

    it("turns a Secret's text into data, all of it secret", async () => {
      const { stringData, data } = await secretResource("text").check(
        theSecret("text", { stringData: { password: secret("s3cret") } }),
      );
      assert.equal(stringData, undefined);
      assert.deepEqual(data, secret(ENCODED));
    });

    it("leaves what is not known yet", async () => {
      const wanted = theSecret("unknown", { stringData: { password: unknown } });
      const checked = await secretResource("unknown").check(wanted);
      assert.deepEqual(checked.stringData, secret({ password: unknown }));
    });
  });

  describe("outputs", () => {
    it("are the object, with who manages it, and what the program wanted", async () => {
      const wanted = configMap("complete", { key: "1" });
      const { id, outputs } = await resource("complete").create(wanted);
      const { __inputs, __initialApiVersion, __fieldManager, ...live } = outputs;
      assert.equal(id, "state/complete");
      assert.deepEqual(__inputs, wanted);
      assert.equal(__initialApiVersion, "v1");
      assert.equal(__fieldManager, OURS);
      const { creationTimestamp, managedFields, resourceVersion, uid, ...metadata } = live.metadata as Properties;
      assert.deepEqual({ ...live, metadata }, wanted);
      for (const text of [creationTimestamp, resourceVersion, uid]) {
        assert.equal(typeof text, "string");
      }
      assert.equal((managedFields as unknown[]).length, 1);
    });

    it("of a Secret are secret, also what the program wanted", async () => {
      const { outputs } = await secretResource("hidden").create(
        theSecret("hidden", { stringData: { password: "s3cret" } }),
      );
      assert.deepEqual(outputs.data, secret(ENCODED));
      assert.deepEqual((outputs.__inputs as Properties).data, secret(ENCODED));
    });

    it("of other objects are secret where the inputs are", async () => {
      const wanted = configMap("partly", { open: "1", closed: secret("2") });
      const { outputs } = await resource("partly").create(wanted);
      for (const { data } of [outputs, outputs.__inputs as Properties] as { data: Properties }[]) {
        assert.deepEqual(data, { open: "1", closed: secret("2") });
      }
    });
  });

  describe("diff", () => {
    const nothing: Diff = { changes: false, replaces: [], deleteBeforeReplace: false, detailed: {} };

    it("is empty for the same inputs, also after an update and a refresh", async () => {
      const wanted = configMap("same", { key: "1" });
      const made = await resource("same").create(wanted);
      assert.deepEqual(await resource("same").diff(made, wanted), nothing);
      const changed = configMap("same", { key: "2" }, { labels: { app: "web" } });
      const updated = await resource("same", mutable).update(made, changed);
      assert.deepEqual(await resource("same").diff(updated, changed), nothing);
      const read = await resource("same").read(updated);
      assert.ok(read);
      assert.deepEqual(read.inputs, updated.inputs);
      assert.deepEqual(await resource("same").diff(read, changed), nothing);
    });

    it("names what is added, changed and removed, as deep as it can", async () => {
      const labels = { app: "web", "example.com/team": "a" };
      const made = await resource("deep").create(configMap("deep", {}, { labels }));
      const wanted = configMap("deep", {}, { labels: { "example.com/team": "b", tier: "1" } });
      assert.deepEqual(await resource("deep").diff(made, wanted), {
        ...nothing,
        changes: true,
        detailed: {
          "metadata.labels.app": "DELETE input",
          'metadata.labels["example.com/team"]': "UPDATE",
          "metadata.labels.tier": "ADD",
        },
      });
    });

    it("replaces a ConfigMap for its data, deleting it first, unless it is mutable", async () => {
      const made = await resource("data").create(configMap("data", { key: "1" }));
      const wanted = configMap("data", { key: "2" });
      assert.deepEqual(await resource("data").diff(made, wanted), {
        changes: true,
        replaces: ["data.key"],
        deleteBeforeReplace: true,
        detailed: { "data.key": "UPDATE_REPLACE" },
      });
      assert.deepEqual(await resource("data", mutable).diff(made, wanted), {
        ...nothing,
        changes: true,
        detailed: { "data.key": "UPDATE" },
      });
    });

    it("replaces a Secret for its data, unless it is mutable, and for its type", async () => {
      const made = await secretResource("kind").create(theSecret("kind", { type: "Opaque", stringData: { a: "1" } }));
      const other = theSecret("kind", { type: "Opaque", stringData: { a: "2" } });
      assert.deepEqual((await secretResource("kind", plugin).diff(made, other)).replaces, ["data.a"]);
      assert.deepEqual((await secretResource("kind").diff(made, other)).detailed, { "data.a": "UPDATE" });
      const typed = theSecret("kind", { type: "example.com/other", stringData: { a: "1" } });
      assert.deepEqual((await secretResource("kind").diff(made, typed)).replaces, ["type"]);
    });

    it("replaces for another name or namespace, creating the new object first", async () => {
      const made = await resource("moved").create(configMap("moved", {}));
      assert.deepEqual(await resource("moved").diff(made, configMap("renamed", {})), {
        changes: true,
        replaces: ["metadata.name"],
        deleteBeforeReplace: false,
        detailed: { "metadata.name": "UPDATE_REPLACE" },
      });
      const elsewhere = inputs("v1", "ConfigMap", ["default", "moved"], { data: {} });
      const { replaces, deleteBeforeReplace } = await resource("moved").diff(made, elsewhere);
      assert.deepEqual([replaces, deleteBeforeReplace], [["metadata.namespace"], false]);
    });

    it("counts what is not known yet as a change", async () => {
      const made = await resource("later").create(configMap("later", { key: "1" }));
      const { detailed } = await resource("later", mutable).diff(made, configMap("later", { key: unknown }));
      assert.deepEqual(detailed, { "data.key": "UPDATE" });
    });

    it("leaves out ignoreChanges", async () => {
      const made = await resource("ignored").create(configMap("ignored", { key: "1" }));
      const wanted = configMap("ignored", { key: "2" });
      const { changes } = await resource("ignored").diff(made, wanted, { ignoreChanges: ["data.key"] });
      assert.equal(changes, false);
    });

    it("compares elements of lists by their place", async () => {
      const service = (ports: Properties[]) =>
        inputs("v1", "Service", [NAMESPACE, "ports"], { spec: { clusterIP: "None", ports } });
      const kind = plugin.resource("core/v1:Service", "ports");
      const [http, https] = [
        { name: "http", port: 80 },
        { name: "https", port: 443 },
      ];
      const made = await kind.create(service([http]));
      assert.deepEqual(await kind.diff(made, service([http])), nothing);
      assert.deepEqual((await kind.diff(made, service([http, https]))).detailed, { "spec.ports[1]": "ADD" });
      assert.deepEqual((await kind.diff(made, service([{ ...http, port: 81 }]))).detailed, {
        "spec.ports[0].port": "UPDATE",
      });
    });
  });

  describe("read", () => {
    it("brings an edit into inputs and outputs, where the program sets the field", async () => {
      const wanted = configMap("edited", { key: "1" });
      const made = await resource("edited").create(wanted);
      const edit = '{"data":{"key":"theirs","more":"theirs"},"metadata":{"labels":{"team":"theirs"}}}';
      await theCluster().kubectl(["patch", "configmap", "edited", "-n", NAMESPACE, "--type=merge", "-p", edit]);
      const read = await resource("edited").read(made);
      assert.deepEqual(read?.inputs, { ...wanted, data: { key: "theirs" } });
      assert.deepEqual(read.outputs.data, { key: "theirs", more: "theirs" });
      assert.deepEqual((read.outputs.__inputs as Properties).data, { key: "theirs" });
      assert.equal(read.outputs.__fieldManager, OURS);
      assert.deepEqual((await resource("edited", mutable).diff(read, wanted)).detailed, { "data.key": "UPDATE" });
    });

    it("says that an object is gone, or its kind", async () => {
      const made = await resource("vanished").create(configMap("vanished", {}));
      await theCluster().kubectl(["delete", "configmap", "vanished", "-n", NAMESPACE]);
      assert.equal(await resource("vanished").read(made), undefined);
      const crd = plugin.resource("example.com/v1:Missing", "missing");
      assert.equal(await crd.get("state/missing"), undefined);
    });

    it("of an id gives the whole object as inputs, without what only the API server writes", async () => {
      await theCluster().kubectl(["create", "configmap", "theirs", "-n", NAMESPACE, "--from-literal=key=1"]);
      const read = await resource("theirs").get("state/theirs");
      assert.deepEqual(read?.inputs, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "theirs", namespace: NAMESPACE },
        data: { key: "1" },
      });
      assert.equal(read.id, "state/theirs");
    });

    it("finds again by its id what the program only reads", async () => {
      await theCluster().kubectl(["create", "configmap", "looked-at", "-n", NAMESPACE]);
      const { outputs } = (await resource("looked-at").get("state/looked-at")) ?? { outputs: {} };
      const read = await resource("looked-at").read({ id: "state/looked-at", inputs: {}, outputs });
      assert.equal(read?.id, "state/looked-at");
      assert.equal((read.outputs.metadata as Properties).name, "looked-at");
    });

    it("keeps a Secret's data secret", async () => {
      const made = await secretResource("reread").create(theSecret("reread", { stringData: { password: "s3cret" } }));
      const read = await secretResource("reread").read(made);
      assert.deepEqual(read?.inputs.data, secret(ENCODED));
      assert.ok(isSecret(read.outputs.data));
    });
  });

  describe("preview", () => {
    it("of a creation shows the object as the API server would make it, and makes none", async () => {
      const spec = { clusterIP: "None", ports: [{ port: 80 }] };
      const wanted = inputs("v1", "Service", [NAMESPACE, "foreseen"], { spec });
      const { id, outputs } = await plugin.resource("core/v1:Service", "foreseen").create(wanted, { preview: true });
      assert.equal(id, "");
      const [port] = (outputs.spec as { ports: Properties[] }).ports;
      assert.equal(port?.protocol, "TCP");
      assert.equal(outputs.status, undefined);
      assert.equal(await theCluster().get("service", "foreseen", NAMESPACE), undefined);
    });

    it("gives the inputs if the namespace or the kind is missing, or something is not known yet", async () => {
      const early = inputs("v1", "ConfigMap", ["not-yet", "early"], { data: { key: "1" } });
      const custom = inputs("example.com/v1", "Missing", [NAMESPACE, "custom"], { spec: {} });
      for (const [type, wanted] of [
        ["core/v1:ConfigMap", early],
        ["example.com/v1:Missing", custom],
        ["core/v1:ConfigMap", configMap("unknown", { key: unknown })],
      ] as const) {
        const { outputs } = await plugin.resource(type, "early").create(wanted, { preview: true });
        assert.deepEqual(outputs, wanted);
      }
    });

    it("of what the API server refuses fails", async () => {
      const wanted = inputs("v1", "Service", [NAMESPACE, "invalid"], { spec: { ports: [{ port: 70000 }] } });
      const kind = plugin.resource("core/v1:Service", "invalid");
      const { message } = await refusal(kind.create(wanted, { preview: true }));
      assert.match(
        message,
        /was not successfully created by the Kubernetes API server: Service "invalid" is invalid: \[?spec\.ports\[0\]\.port: Invalid value: 70000/,
      );
    });
  });

  describe("settings", () => {
    it("that change update the provider, and only another cluster replaces the objects", async () => {
      const { kubeconfig } = theCluster();
      const changed = await plugin.diffConfig({ kubeconfig }, { kubeconfig, upsertExistingObjects: "true" });
      assert.deepEqual([changed.changes, changed.replaces], [true, []]);
      const same = await plugin.diffConfig({ kubeconfig }, { kubeconfig });
      assert.equal(same.changes, false);
      const cluster = (server: string) =>
        JSON.stringify({
          apiVersion: "v1",
          kind: "Config",
          clusters: [{ name: "it", cluster: { server } }],
          contexts: [{ name: "it", context: { cluster: "it" } }],
          "current-context": "it",
        });
      const olds = { kubeconfig: cluster("https://192.0.2.1") };
      const { replaces } = await plugin.diffConfig(olds, { kubeconfig: cluster("https://192.0.2.2") });
      assert.deepEqual(replaces, ["kubeconfig"]);
    });
  });
});
