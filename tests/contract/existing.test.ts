import assert from "node:assert/strict";
import { inputs, namespace, OURS, refusal } from "./support/objects";
import type { Plugin, Properties, State } from "./support/plugin";
import { since, startPlugin, theCluster } from "./support/suite";

const NAMESPACE = "existing";
const FORCE = { "pulumi.com/patchForce": "true" };
/** Its end; older providers begin with other words. */
const CONFLICT = `\nThe resource managed by field manager "${OURS}" had an apply conflict: Apply failed with 1 conflict: conflict with "somebody": .data.key`;

describe("kubernetes: objects that exist, and their managers", () => {
  let plugin: Plugin;
  let upserting: Plugin;
  let byVariable: Plugin;
  let forcing: Plugin;
  before(async () => {
    const config = { kubeconfig: theCluster().kubeconfig, enableConfigMapMutable: "true" };
    plugin = await startPlugin("kubernetes", config);
    upserting = await startPlugin("kubernetes", { ...config, upsertExistingObjects: "true" });
    byVariable = await startPlugin("kubernetes", config, { PULUMI_K8S_UPSERT_EXISTING_OBJECTS: "true" });
    forcing = await startPlugin("kubernetes", { ...config, upsertExistingObjects: "true", enablePatchForce: "true" });
    await namespace(NAMESPACE);
  });
  after(() => [plugin, upserting, byVariable, forcing].forEach((it) => it.stop()));

  const resource = (name: string, of = plugin) => of.resource("core/v1:ConfigMap", name);
  const configMap = (name: string, data: Properties, annotations: Record<string, string> = {}) =>
    inputs("v1", "ConfigMap", [NAMESPACE, name], { data }, { annotations });
  const managers = (name: string) => theCluster().managers("configmap", name, NAMESPACE);
  const dataOf = async (name: string) => (await theCluster().get("configmap", name, NAMESPACE))?.data;
  /** A ConfigMap that another program has applied. */
  const somebodys = async (name: string, data: Properties, manager = "somebody", more: string[] = []) => {
    const metadata = { name, namespace: NAMESPACE };
    await theCluster().apply(manager, [{ apiVersion: "v1", kind: "ConfigMap", metadata, data }], more);
  };
  /** A ConfigMap of ours, after its first update. */
  const updated = async (name: string, annotations: Record<string, string> = {}): Promise<State> => {
    const made = await resource(name).create(configMap(name, { key: "0" }, annotations));
    return resource(name).update(made, configMap(name, { key: "1" }, annotations));
  };

  describe("create", () => {
    since(
      "4.29",
      "it is applied to the object",
      "of what exists is refused with advice, and changes nothing",
      async () => {
        await somebodys("there", { key: "theirs" });
        const { message, partial } = await refusal(resource("there").create(configMap("there", { key: "ours" })));
        assert.equal(partial, undefined);
        const [first, ...advice] = message.split("\n");
        assert.equal(
          first,
          `resource "${resource("there").urn}" was not successfully created by the Kubernetes API server: configmaps "there" already exists`,
        );
        assert.match(
          advice.join(" "),
          /^ The resource already exists in the cluster\. .*pulumi import.*upsertExistingObjects/,
        );
        assert.deepEqual(await dataOf("there"), { key: "theirs" });
        assert.deepEqual(await managers("there"), ["somebody Apply"]);
      },
    );

    since(
      "4.29",
      "the manager is that of the annotation",
      "makes an object of pulumi-kubernetes until the first update",
      async () => {
        const made = await resource("fresh").create(configMap("fresh", { key: "1" }));
        assert.equal(made.id, "existing/fresh");
        assert.deepEqual(await managers("fresh"), ["pulumi-kubernetes Update"]);
        // The state already has the name for later.
        assert.equal(made.outputs.__fieldManager, OURS);
        await resource("fresh").update(made, configMap("fresh", { key: "2" }));
        assert.deepEqual(await managers("fresh"), [`${OURS} Apply`]);
        assert.deepEqual(await dataOf("fresh"), { key: "2" });
      },
    );

    since("4.29", "applied by us, it is ours", "of what we made and forgot is refused as well", async () => {
      await updated("forgotten");
      assert.match((await refusal(resource("forgotten").create(configMap("forgotten", {})))).message, /already exists/);
    });

    it("in a preview says nothing of what exists", async () => {
      await somebodys("foreseen", { other: "theirs" });
      const wanted = configMap("foreseen", { key: "ours" });
      const { id, outputs } = await resource("foreseen").create(wanted, { preview: true });
      assert.equal(id, "");
      assert.equal((outputs.data as Properties).key, "ours");
      assert.deepEqual(await managers("foreseen"), ["somebody Apply"]);
    });
  });

  describe("upsertExistingObjects", () => {
    it("applies as the annotation's manager, beside the others'", async () => {
      await somebodys("adopted", { theirs: "1" });
      await resource("adopted", upserting).create(configMap("adopted", { ours: "1" }));
      assert.deepEqual(await managers("adopted"), [`${OURS} Apply`, "somebody Apply"]);
      assert.deepEqual(await dataOf("adopted"), { theirs: "1", ours: "1" });
    });

    it("is also the variable PULUMI_K8S_UPSERT_EXISTING_OBJECTS", async () => {
      await somebodys("by-variable", { theirs: "1" });
      await resource("by-variable", byVariable).create(configMap("by-variable", { ours: "1" }));
      assert.deepEqual(await managers("by-variable"), [`${OURS} Apply`, "somebody Apply"]);
    });

    it("makes new objects by apply: they are the manager's from the start", async () => {
      await resource("made", upserting).create(configMap("made", { ours: "1" }));
      assert.deepEqual(await managers("made"), [`${OURS} Apply`]);
    });

    it("stops at another's value, with the manager and the field, though not in a preview", async () => {
      await somebodys("contested", { key: "theirs" });
      const wanted = configMap("contested", { key: "ours" });
      await resource("contested", upserting).create(wanted, { preview: true });
      const { message, partial } = await refusal(resource("contested", upserting).create(wanted));
      assert.equal(partial, undefined);
      const start = `resource "${resource("contested").urn}" was not successfully created by the Kubernetes API server: `;
      assert.ok(message.startsWith(start) && message.endsWith(CONFLICT), message);
      assert.deepEqual(await dataOf("contested"), { key: "theirs" });
    });

    since(
      "4.29",
      "it was applied, and is ours",
      "stops at the value of an object that was created and never updated",
      async () => {
        await resource("created-by-us").create(configMap("created-by-us", { key: "1" }));
        const again = resource("created-by-us", upserting).create(configMap("created-by-us", { key: "2" }));
        assert.match((await refusal(again)).message, /conflict with "pulumi-kubernetes".*\.data\.key/s);
      },
    );

    const takes = async (name: string, of: Plugin, annotations: Record<string, string>) => {
      await somebodys(name, { key: "theirs" });
      await resource(name, of).create(configMap(name, { key: "ours" }, annotations));
      assert.deepEqual(await dataOf(name), { key: "ours" });
      assert.deepEqual(await managers(name), [`${OURS} Apply`]);
    };

    it("with patchForce takes another's value", () => takes("forced-here", upserting, FORCE));

    since("4.29", "there is no such setting", "with enablePatchForce takes another's value", () =>
      takes("forced-everywhere", forcing, {}),
    );
  });

  describe("update", () => {
    for (const manager of ["kubectl", "kubectl-edit", "kubectl-client-side-apply", "before-first-apply"]) {
      it(`takes a field over from ${manager}, without a word`, async () => {
        const name = `edited-${manager}`;
        const ours = await updated(name);
        const edit = ["--type=merge", `--field-manager=${manager}`, "-p", '{"data":{"key":"edited","more":"2"}}'];
        await theCluster().kubectl(["patch", "configmap", name, "-n", NAMESPACE, ...edit]);
        await resource(name).update(ours, configMap(name, { key: "2" }));
        // What the manager added goes with it.
        assert.deepEqual(await dataOf(name), { key: "2" });
        assert.deepEqual(await managers(name), [`${OURS} Apply`]);
        assert.deepEqual(plugin.logs, []);
      });
    }

    it("takes a field over from kubectl apply --server-side --force-conflicts", async () => {
      const ours = await updated("forced");
      await somebodys("forced", { key: "edited" }, "kubectl", ["--force-conflicts"]);
      await resource("forced").update(ours, configMap("forced", { key: "2" }));
      assert.deepEqual(await dataOf("forced"), { key: "2" });
      assert.deepEqual(await managers("forced"), [`${OURS} Apply`]);
    });

    it("stops at any other manager's value, and says which: the object stays, the state has the new inputs", async () => {
      const ours = await updated("theirs");
      await somebodys("theirs", { key: "edited" }, "somebody", ["--force-conflicts"]);
      const wanted = configMap("theirs", { key: "2" });
      const { message, partial } = await refusal(resource("theirs").update(ours, wanted));
      const start =
        'the Kubernetes API server reported that "existing/theirs" failed to fully initialize or become live: ';
      assert.ok(message.startsWith(start) && message.endsWith(CONFLICT), message);
      assert.equal(partial?.id, "existing/theirs");
      assert.deepEqual(partial.reasons, [message]);
      assert.deepEqual(partial.outputs.data, { key: "edited" });
      assert.deepEqual((partial.outputs.__inputs as Properties).data, { key: "2" });
      assert.deepEqual(await dataOf("theirs"), { key: "edited" });
    });

    since("4.26", "the words have capitals", "that stops at another's value names Pulumi's guide", async () => {
      const ours = await updated("guided");
      await somebodys("guided", { key: "edited" }, "somebody", ["--force-conflicts"]);
      const { message } = await refusal(resource("guided").update(ours, configMap("guided", { key: "2" })));
      assert.ok(
        message.includes(
          "server-side apply field conflict detected, see https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources for troubleshooting help",
        ),
        message,
      );
    });

    it("with patchForce takes any manager's value", async () => {
      const ours = await updated("retaken", FORCE);
      await somebodys("retaken", { key: "edited" }, "somebody", ["--force-conflicts"]);
      await resource("retaken").update(ours, configMap("retaken", { key: "2" }, FORCE));
      assert.deepEqual(await dataOf("retaken"), { key: "2" });
    });

    it("leaves what others added", async () => {
      const ours = await updated("shared");
      await somebodys("shared", { more: "theirs" });
      await resource("shared").update(ours, configMap("shared", { key: "2" }));
      assert.deepEqual(await dataOf("shared"), { key: "2", more: "theirs" });
      assert.deepEqual(await managers("shared"), [`${OURS} Apply`, "somebody Apply"]);
    });

    it("removes what the program no longer has", async () => {
      const ours = await updated("shrinking");
      const grown = await resource("shrinking").update(ours, configMap("shrinking", { key: "1", more: "2" }));
      await resource("shrinking").update(grown, configMap("shrinking", { key: "1" }));
      assert.deepEqual(await dataOf("shrinking"), { key: "1" });
    });

    it("under another manager's name stops at the former's, unless forced: then the former gives up its fields", async () => {
      const ours = await updated("renamed");
      const name = { "pulumi.com/patchFieldManager": "istio-gateway/other" };
      const failed = resource("renamed").update(ours, configMap("renamed", { key: "1" }, name));
      const annotation = ".metadata.annotations.pulumi.com/patchFieldManager";
      assert.ok((await refusal(failed)).message.endsWith(`conflict with "${OURS}": ${annotation}`));
      const wanted = configMap("renamed", { key: "1" }, { ...name, ...FORCE });
      const { outputs } = await resource("renamed").update(ours, wanted);
      assert.equal(outputs.__fieldManager, "istio-gateway/other");
      assert.deepEqual(await managers("renamed"), ["istio-gateway/other Apply"]);
      assert.deepEqual(await dataOf("renamed"), { key: "1" });
    });

    it("in a preview changes nothing, and reports a conflict even where the update would take over", async () => {
      const ours = await updated("foretold");
      const edit = ["--type=merge", "--field-manager=kubectl-edit", "-p", '{"data":{"key":"edited"}}'];
      await theCluster().kubectl(["patch", "configmap", "foretold", "-n", NAMESPACE, ...edit]);
      const wanted = configMap("foretold", { key: "2" });
      const { message } = await refusal(resource("foretold").update(ours, wanted, { preview: true }));
      assert.match(message, /conflict with "kubectl-edit".*\.data\.key/s);
      assert.deepEqual(await dataOf("foretold"), { key: "edited" });
      await resource("foretold").update(ours, wanted);
      assert.deepEqual(await dataOf("foretold"), { key: "2" });
    });

    since(
      "4.29",
      "it was applied, and the preview reports a conflict",
      "in a preview of an object that was created and never updated reports no conflict",
      async () => {
        const made = await resource("never-updated").create(configMap("never-updated", { key: "1" }));
        const edit = ["--type=merge", "--field-manager=kubectl-edit", "-p", '{"data":{"key":"edited"}}'];
        await theCluster().kubectl(["patch", "configmap", "never-updated", "-n", NAMESPACE, ...edit]);
        const wanted = configMap("never-updated", { key: "2" });
        const { outputs } = await resource("never-updated").update(made, wanted, { preview: true });
        assert.equal((outputs.data as Properties).key, "2");
        assert.deepEqual(await dataOf("never-updated"), { key: "edited" });
      },
    );

    it("of an object that is gone fails", async () => {
      const ours = await updated("gone");
      await theCluster().kubectl(["delete", "configmap", "gone", "-n", NAMESPACE]);
      const { message, partial } = await refusal(resource("gone").update(ours, configMap("gone", { key: "2" })));
      assert.equal(partial, undefined);
      assert.equal(
        message,
        `update of resource "${resource("gone").urn}" failed: configmaps "gone" not found\nunable to get cluster state: configmaps "gone" not found`,
      );
    });
  });

  describe("patches", () => {
    const patch = (name: string, labels: Record<string, string>, more: Properties = {}) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels, ...more },
    });
    const patching = (name: string) => plugin.resource("core/v1:NamespacePatch", name);
    const labelsOf = async (name: string) =>
      (await theCluster().get("namespace", name, NAMESPACE))?.metadata.labels as Properties;

    it("are applied as a manager of their own, and given up when deleted", async () => {
      await namespace("patched");
      const made = await patching("patched").create(patch("patched", { team: "ours" }));
      assert.equal(made.id, "patched");
      const own = String(made.outputs.__fieldManager);
      assert.match(own, /^pulumi-kubernetes-[0-9a-f]{8}$/);
      assert.equal((await labelsOf("patched")).team, "ours");
      assert.ok((await theCluster().managers("namespace", "patched", NAMESPACE)).includes(`${own} Apply`));
      await patching("patched").delete(made);
      assert.equal((await labelsOf("patched")).team, undefined);
    });

    it("stop at another's value, unless forced", async () => {
      await namespace("contested");
      await theCluster().kubectl(["label", "namespace", "contested", "team=theirs", "--field-manager=somebody"]);
      const failed = patching("contested").create(patch("contested", { team: "ours" }));
      assert.match((await refusal(failed)).message, /conflict with "somebody"/);
      await patching("contested").create(patch("contested", { team: "ours" }, { annotations: FORCE }));
      assert.equal((await labelsOf("contested")).team, "ours");
    });

    it("do not take over fields from kubectl when updated", async () => {
      await namespace("half");
      const made = await patching("half").create(patch("half", { team: "ours" }));
      await theCluster().kubectl(["label", "namespace", "half", "other=theirs"]);
      await patching("half").update(made, patch("half", { team: "still-ours" }));
      assert.deepEqual(
        { ...(await labelsOf("half")), "kubernetes.io/metadata.name": undefined },
        { team: "still-ours", other: "theirs", "kubernetes.io/metadata.name": undefined },
      );
      assert.ok((await theCluster().managers("namespace", "half", NAMESPACE)).includes("kubectl-label Update"));
    });

    it("are not predicted by a preview", async () => {
      const wanted = patch("patched", { team: "later" });
      const { outputs } = await patching("patched").create(wanted, { preview: true });
      assert.deepEqual(outputs, wanted);
    });
  });
});
