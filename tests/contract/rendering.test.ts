import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { inputs } from "./support/objects";
import { secret, type Plugin, type Properties } from "./support/plugin";
import { since, startPlugin, theCluster } from "./support/suite";

describe("kubernetes: rendering", () => {
  let folder: string;
  /** Without a cluster, as most people render. */
  let plugin: Plugin;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "gateway-rendered-"));
    plugin = await startPlugin("kubernetes", { renderYamlToDirectory: folder }, { KUBECONFIG: "/dev/null" });
  });
  after(() => {
    plugin.stop();
    rmSync(folder, { recursive: true });
  });

  const configMap = (name: string, data: Properties) => inputs("v1", "ConfigMap", ["apps", name], { data });
  const resource = (name: string) => plugin.resource("core/v1:ConfigMap", name);
  const file = (name: string) => join(folder, "1-manifest", name);
  const rendered = (name: string): unknown => parse(readFileSync(file(name), "utf8"));
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

  it("writes an object to a file that only its owner reads, and gives it as the state", async () => {
    const wanted = configMap("settings", { key: "1" });
    const { id, outputs } = await resource("settings").create(wanted);
    assert.equal(id, "apps/settings");
    assert.deepEqual(rendered("v1-configmap-apps-settings.yaml"), wanted);
    assert.equal(mode(file("v1-configmap-apps-settings.yaml")), "600");
    assert.equal(mode(file("..")), "700");
    assert.equal(mode(file(".")), "700");
    const { __inputs, __fieldManager, __initialApiVersion, ...object } = outputs;
    assert.deepEqual([__inputs, object], [wanted, wanted]);
    assert.deepEqual([__fieldManager, __initialApiVersion], ["istio-gateway/contract", "v1"]);
  });

  it("writes it again when it changes, and removes the file when it is deleted", async () => {
    const made = await resource("changing").create(configMap("changing", { key: "1" }));
    assert.equal((await resource("changing").diff(made, configMap("changing", { key: "1" }))).changes, false);
    const updated = await resource("changing").update(made, configMap("changing", { key: "2" }));
    assert.deepEqual((rendered("v1-configmap-apps-changing.yaml") as Properties).data, { key: "2" });
    await resource("changing").delete(updated);
    assert.ok(!existsSync(file("v1-configmap-apps-changing.yaml")));
  });

  it("names files after version, kind, namespace and name, with CRDs apart", async () => {
    const gateway = inputs("gateway.networking.k8s.io/v1", "Gateway", ["apps", "web"], { spec: {} });
    await plugin.resource("gateway.networking.k8s.io/v1:Gateway", "web").create(gateway);
    const metadata = { name: "widgets.contract.test" };
    const spec = { group: "contract.test", scope: "Namespaced", names: { kind: "Widget", plural: "widgets" } };
    const crd = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata, spec };
    await plugin.resource("apiextensions.k8s.io/v1:CustomResourceDefinition", "widgets").create(crd);
    assert.ok(existsSync(file("gateway.networking.k8s.io_v1-gateway-apps-web.yaml")));
    assert.deepEqual(readdirSync(join(folder, "0-crd")), [
      "apiextensions.k8s.io_v1-customresourcedefinition-default-widgets.contract.test.yaml",
    ]);
  });

  it("writes Secrets in clear text, and warns of each", async () => {
    const wanted = inputs("v1", "Secret", ["apps", "hidden"], { stringData: { password: secret("s3cret") } });
    await plugin.resource("core/v1:Secret", "hidden").create(wanted);
    const name = "v1-secret-apps-hidden.yaml";
    assert.deepEqual((rendered(name) as Properties).data, { password: "czNjcmV0" });
    assert.deepEqual(plugin.logs, [
      "warning rendered YAML will contain a secret value in plaintext",
      `warning rendered file ${file(name)} contains a secret value in plaintext`,
    ]);
  });

  it("writes a patch as an object of its kind", async () => {
    const metadata = { name: "apps", labels: { team: "web" } };
    const wanted = { apiVersion: "v1", kind: "Namespace", metadata };
    await plugin.resource("core/v1:NamespacePatch", "apps").create(wanted);
    assert.deepEqual(rendered("v1-namespace-default-apps.yaml"), wanted);
  });

  it("writes nothing in a preview without a cluster, but does with one", async () => {
    const wanted = configMap("foreseen", {});
    await resource("foreseen").create(wanted, { preview: true });
    assert.ok(!existsSync(file("v1-configmap-apps-foreseen.yaml")));
    const { kubeconfig } = theCluster();
    const connected = await startPlugin("kubernetes", { renderYamlToDirectory: folder }, { KUBECONFIG: kubeconfig });
    try {
      await connected.resource("core/v1:ConfigMap", "foreseen").create(wanted, { preview: true });
      assert.ok(existsSync(file("v1-configmap-apps-foreseen.yaml")));
      assert.equal(await theCluster().get("configmap", "foreseen", "apps"), undefined);
    } finally {
      connected.stop();
    }
  });

  it("is refused together with a cluster", async () => {
    const failures = await plugin.checkConfig({
      renderYamlToDirectory: folder,
      kubeconfig: "somewhere",
      context: "it",
    });
    assert.deepEqual(failures.sort(), [
      '"context" arg is not compatible with "renderYamlToDirectory" arg',
      '"kubeconfig" arg is not compatible with "renderYamlToDirectory" arg',
    ]);
  });

  since("4.32", "it is refused", "accepts the kubeconfig that the SDK fills in from KUBECONFIG", async () => {
    assert.deepEqual(await plugin.checkConfig({ renderYamlToDirectory: folder, kubeconfig: "/dev/null" }), []);
  });
});
