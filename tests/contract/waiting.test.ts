import assert from "node:assert/strict";
import { eventually } from "../../lab/processes";
import { inputs, namespace, refusal } from "./support/objects";
import type { Plugin, Properties, State } from "./support/plugin";
import { startPlugin, theCluster } from "./support/suite";

const NAMESPACE = "waiting";
const WAIT = { "pulumi.com/waitFor": "condition=Programmed" };

/** A kind with conditions. */
function crd(kind: string): object {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.contract.test` },
    spec: {
      group: "contract.test",
      scope: "Namespaced",
      names: { kind, plural },
      versions: [{ name: "v1", served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}

/** Whether an operation is still running after a while. */
async function isPending(operation: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resolve) => setTimeout(() => resolve("later"), 1500));
  return (await Promise.race([operation, later])) === "later";
}

describe("kubernetes: waiting", () => {
  let plugin: Plugin;
  before(async () => {
    plugin = await startPlugin("kubernetes", { kubeconfig: theCluster().kubeconfig });
    await namespace(NAMESPACE);
    await theCluster().apply("suite", [crd("Widget")]);
    await theCluster().kubectl(["wait", "--for=condition=Established", "crd/widgets.contract.test"]);
  });
  after(() => plugin.stop());

  const resource = (name: string) => plugin.resource("contract.test/v1:Widget", name);
  const widget = (name: string, annotations: Record<string, string>, size = 1) =>
    inputs("contract.test/v1", "Widget", [NAMESPACE, name], { spec: { size } }, { annotations });
  /** As a controller would. */
  const report = async (name: string, status: "True" | "False", observedGeneration = 1) => {
    const condition = { type: "Programmed", status, reason: "It", message: "", observedGeneration };
    const patch = JSON.stringify({ status: { conditions: [condition] } });
    const target = ["patch", "widget", name, "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p", patch];
    await eventually(`${name} to be created`, 30_000, () => theCluster().kubectl(target));
  };
  const kubectl = (...args: string[]) => theCluster().kubectl([...args, "-n", NAMESPACE]);

  describe("for the condition of an annotation", () => {
    it("goes on until it is met, and gives the object as it then is", async () => {
      const creation = resource("met").create(widget("met", WAIT));
      assert.ok(await isPending(creation));
      await report("met", "False");
      assert.ok(await isPending(creation));
      await report("met", "True");
      const { outputs } = await creation;
      assert.equal((outputs.status as { conditions: Properties[] }).conditions[0]?.status, "True");
    });

    it("after an update needs the condition of the new generation", async () => {
      const creation = resource("again").create(widget("again", WAIT));
      await isPending(creation);
      await report("again", "True");
      const update = resource("again").update(await creation, widget("again", WAIT, 2));
      assert.ok(await isPending(update));
      await report("again", "True", 2);
      await update;
    });

    it("ends with the time of the annotation: the object is made, and kept in the state", async () => {
      const short = { ...WAIT, "pulumi.com/timeoutSeconds": "1" };
      const { message, partial } = await refusal(resource("late").create(widget("late", short)));
      assert.equal(
        message,
        `resource "${resource("late").urn}" was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live: timed out waiting for the condition`,
      );
      assert.equal(partial?.id, "waiting/late");
      assert.deepEqual(partial.outputs.spec, { size: 1 });
      // Pulumi then updates, and waits again.
      const state: State = { id: partial.id, inputs: widget("late", short), outputs: partial.outputs };
      const again = await refusal(resource("late").update(state, widget("late", short, 2)));
      assert.equal(
        again.message,
        'the Kubernetes API server reported that "waiting/late" failed to fully initialize or become live: timed out waiting for the condition',
      );
    });

    it("is not done with skipAwait", async () => {
      await resource("skipped").create(widget("skipped", { ...WAIT, "pulumi.com/skipAwait": "true" }));
    });

    it("is not done by a refresh", async () => {
      const made = await resource("idle").create(widget("idle", {}));
      assert.ok(await resource("idle").read(made));
    });
  });

  describe("for a namespace or a CRD", () => {
    it("retries the creation until the namespace is there", async () => {
      const early = inputs("v1", "ConfigMap", ["waiting-later", "early"], { data: {} });
      const creation = plugin.resource("core/v1:ConfigMap", "early").create(early);
      assert.ok(await isPending(creation));
      await namespace("waiting-later");
      assert.equal((await creation).id, "waiting-later/early");
    });

    it("retries the creation until the kind is there", async () => {
      const early = inputs("contract.test/v1", "Gadget", [NAMESPACE, "early"], { spec: {} });
      const creation = plugin.resource("contract.test/v1:Gadget", "early").create(early);
      assert.ok(await isPending(creation));
      await theCluster().apply("suite", [crd("Gadget")]);
      assert.equal((await creation).id, "waiting/early");
    });
  });

  describe("for a Deployment", () => {
    const deployment = (name: string, replicas: number, annotations: Record<string, string> = {}) => {
      const labels = { app: name };
      const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "web:1" }] } };
      const spec = { replicas, selector: { matchLabels: labels }, template };
      return inputs("apps/v1", "Deployment", [NAMESPACE, name], { spec }, { annotations });
    };
    const deploying = (name: string) => plugin.resource("apps/v1:Deployment", name);

    it("ends when its ReplicaSet has its Pods", async () => {
      const { outputs } = await deploying("none").create(deployment("none", 0));
      const { conditions } = outputs.status as { conditions: Properties[] };
      assert.equal(conditions.find(({ type }) => type === "Available")?.status, "True");
    });

    it("says what is missing, also in a refresh", async () => {
      const short = { "pulumi.com/timeoutSeconds": "2" };
      const { message, partial } = await refusal(deploying("one").create(deployment("one", 1, short)));
      const failed = "failed to fully initialize or become live: 'one' timed out waiting to be Ready";
      assert.ok(message.endsWith(failed), message);
      assert.ok(partial);
      assert.deepEqual(partial.reasons.slice(0, 2), [
        message,
        "[MinimumReplicasUnavailable] Deployment does not have minimum availability.",
      ]);
      assert.ok(partial.reasons.includes("Minimum number of live Pods was not attained"));
      const state: State = { id: partial.id, inputs: deployment("one", 1, short), outputs: partial.outputs };
      const read = await refusal(deploying("one").read(state));
      assert.equal(read.message, "Resource 'one' was created but failed to initialize");
      assert.ok(read.partial?.reasons.includes("Minimum number of live Pods was not attained"));
    });
  });

  describe("for a Service", () => {
    const service = (name: string, spec: Properties, annotations: Record<string, string> = {}) =>
      inputs("v1", "Service", [NAMESPACE, name], { spec: { ports: [{ port: 80 }], ...spec } }, { annotations });
    const serving = (name: string) => plugin.resource("core/v1:Service", name);

    it("with a selector takes ten seconds without a change of its endpoints, though it has none", async () => {
      const start = Date.now();
      const made = await serving("selecting").create(service("selecting", { selector: { app: "nothing" } }));
      assert.ok(Date.now() - start >= 10_000);
      assert.ok(await serving("selecting").read(made));
    });

    it("is over at once without a selector, headless, or with skipAwait", async () => {
      const start = Date.now();
      const selector = { app: "nothing" };
      await serving("plain").create(service("plain", {}));
      await serving("headless").create(service("headless", { clusterIP: "None", selector }));
      await serving("unawaited").create(service("unawaited", { selector }, { "pulumi.com/skipAwait": "true" }));
      assert.ok(Date.now() - start < 10_000);
    });

    it("needs an address for a load balancer", async () => {
      const short = { "pulumi.com/timeoutSeconds": "1" };
      const wanted = service("balanced", { type: "LoadBalancer" }, short);
      const { message, partial } = await refusal(serving("balanced").create(wanted));
      assert.ok(message.endsWith("'balanced' timed out waiting to be Ready"), message);
      assert.ok(
        partial?.reasons.includes("Service was not allocated an IP address; does your cloud provider support this?"),
      );
    });
  });

  describe("for a deletion", () => {
    const deleting = (name: string) => plugin.resource("core/v1:ConfigMap", name);
    const configMap = (name: string, annotations: Record<string, string> = {}) =>
      inputs("v1", "ConfigMap", [NAMESPACE, name], { data: {} }, { annotations });
    const finalizers = (name: string, list: string[] | null) =>
      kubectl("patch", "configmap", name, "--type=merge", "-p", JSON.stringify({ metadata: { finalizers: list } }));
    const hold = (name: string) => finalizers(name, ["contract.test/hold"]);
    const release = (name: string) => finalizers(name, null);
    const liveOf = (name: string) => theCluster().get("configmap", name, NAMESPACE);
    /** Another program's object, which this one owns. */
    const childOf = async ({ outputs }: State, name: string) => {
      const { name: owner, uid } = outputs.metadata as { name: string; uid: string };
      const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: owner, uid, blockOwnerDeletion: true }];
      const metadata = { name, namespace: NAMESPACE, ownerReferences };
      await theCluster().apply("suite", [{ apiVersion: "v1", kind: "ConfigMap", metadata }]);
    };

    it("goes on until the object is gone, and that until what it owns is gone", async () => {
      const made = await deleting("owner").create(configMap("owner"));
      await childOf(made, "owned");
      await hold("owned");
      const deletion = deleting("owner").delete(made);
      assert.ok(await isPending(deletion));
      assert.ok(await liveOf("owner"));
      await release("owned");
      await deletion;
      assert.deepEqual([await liveOf("owner"), await liveOf("owned")], [undefined, undefined]);
    });

    it("follows the propagation policy of the annotation", async () => {
      const orphan = { "pulumi.com/deletionPropagationPolicy": "orphan" };
      const made = await deleting("leaving").create(configMap("leaving", orphan));
      await childOf(made, "left");
      await deleting("leaving").delete(made);
      assert.equal(await liveOf("leaving"), undefined);
      assert.equal((await liveOf("left"))?.metadata.ownerReferences, undefined);
    });

    it("that takes too long fails with the finalizers, and keeps the object in the state", async () => {
      const made = await deleting("stuck").create(configMap("stuck", { "pulumi.com/timeoutSeconds": "1" }));
      await hold("stuck");
      const { message, partial } = await refusal(deleting("stuck").delete(made));
      assert.equal(message, "timed out waiting for the condition");
      assert.equal(partial?.id, "waiting/stuck");
      const [log = ""] = plugin.logs.filter((it) => it.includes("finalizers"));
      assert.match(log, /^warning finalizers might be preventing deletion \(.*contract\.test\/hold.*\)$/);
      await release("stuck");
    });

    it("of an object that is gone, or whose kind is gone, succeeds", async () => {
      const made = await deleting("lost").create(configMap("lost"));
      await kubectl("delete", "configmap", "lost");
      await deleting("lost").delete(made);
      const outputs = { ...made.outputs, apiVersion: "contract.test/v1", kind: "Missing" };
      await plugin.resource("contract.test/v1:Missing", "lost").delete({ ...made, outputs });
    });
  });
});
