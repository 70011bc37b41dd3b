import assert from "node:assert/strict";
import { inputs, refusal } from "./support/objects";
import type { Plugin, State } from "./support/plugin";
import { startPlugin } from "./support/suite";

/** Nobody listens on port 1. */
const KUBECONFIG = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "gone", cluster: { server: "https://127.0.0.1:1" } }],
  contexts: [{ name: "gone", context: { cluster: "gone" } }],
  "current-context": "gone",
});
const REASON =
  /^configured Kubernetes cluster is unreachable: unable to load schema information from the API server: .*dial tcp 127\.0\.0\.1:1: connect: connection refused$/;

describe("kubernetes: an API server that cannot be reached", () => {
  let plugin: Plugin;
  before(async () => {
    plugin = await startPlugin("kubernetes", { kubeconfig: KUBECONFIG, enableConfigMapMutable: "true" });
  });
  after(() => plugin.stop());

  const configMap = (key: string) => inputs("v1", "ConfigMap", ["apps", "gone"], { data: { key } });
  const resource = (of = plugin) => of.resource("core/v1:ConfigMap", "gone");
  const outputs = { ...configMap("1"), __inputs: configMap("1"), __initialApiVersion: "v1", __fieldManager: "it" };
  const state: State = { id: "apps/gone", inputs: configMap("1"), outputs };

  it("lets previews and differences pass", async () => {
    assert.deepEqual((await resource().create(configMap("1"), { preview: true })).outputs, configMap("1"));
    assert.deepEqual((await resource().update(state, configMap("2"), { preview: true })).outputs, configMap("2"));
    assert.deepEqual((await resource().diff(state, configMap("2"))).detailed, { "data.key": "UPDATE" });
  });

  it("fails creations and updates", async () => {
    assert.match((await refusal(resource().create(configMap("1")))).message, REASON);
    assert.match((await refusal(resource().update(state, configMap("2")))).message, REASON);
  });

  it("fails refreshes and deletions, with advice for a cluster that was deleted", async () => {
    const advice =
      'If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';
    assert.equal(
      (await refusal(resource().read(state))).message,
      `failed to read resource state due to unreachable cluster. ${advice}`,
    );
    assert.equal(
      (await refusal(resource().delete(state))).message,
      `configured Kubernetes cluster is unreachable. ${advice}`,
    );
    assert.equal(plugin.logs.length, 2);
    for (const log of plugin.logs) {
      assert.match(log.replace(/^warning /, ""), REASON);
    }
  });

  it("with PULUMI_K8S_DELETE_UNREACHABLE forgets the objects", async () => {
    const env = { PULUMI_K8S_DELETE_UNREACHABLE: "true" };
    const forgetful = await startPlugin("kubernetes", { kubeconfig: KUBECONFIG }, env);
    try {
      assert.equal(await resource(forgetful).read(state), undefined);
      await resource(forgetful).delete(state);
    } finally {
      forgetful.stop();
    }
  });

  it("is also one that no kubeconfig names", async () => {
    const lost = await startPlugin("kubernetes", {}, { KUBECONFIG: "/dev/null", HOME: "/nonexistent" });
    try {
      const { message } = await refusal(resource(lost).create(configMap("1")));
      assert.match(
        message,
        /^configured Kubernetes cluster is unreachable: unable to load Kubernetes client configuration from kubeconfig file\. .*invalid configuration: no configuration has been provided/s,
      );
    } finally {
      lost.stop();
    }
  });
});
