import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { MAX_ANNOTATIONS, MAX_DATA, MAX_OBJECT } from "../../components/cluster/objectSizes";
import { LARGE_SERVICE } from "../support/stacks";
import { inputs, namespace, refusal } from "./support/objects";
import type { Plugin, Properties } from "./support/plugin";
import { Program } from "./support/program";
import { startPlugin, theCluster, theProviders } from "./support/suite";

const NAMESPACE = "sizes";

const CRD = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "parcels.sizes.test" },
  spec: {
    group: "sizes.test",
    scope: "Namespaced",
    names: { plural: "parcels", kind: "Parcel" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

describe("the API server's bounds on sizes", function () {
  this.timeout(300_000);
  let plugin: Plugin;
  before(async () => {
    plugin = await startPlugin("kubernetes", { kubeconfig: theCluster().kubeconfig });
    await theCluster().apply("contract", [CRD]);
    await namespace(NAMESPACE);
  });
  after(() => plugin.stop());

  const create = (type: string, name: string, object: Properties) => plugin.resource(type, name).create(object);
  const configMap = (name: string, size: number) =>
    create("core/v1:ConfigMap", name, inputs("v1", "ConfigMap", [NAMESPACE, name], { data: { a: "x".repeat(size) } }));
  const annotated = (name: string, size: number) => {
    const own = "pulumi.com/patchFieldManagerXistio-gateway/contract".length - 1;
    const annotations = { a: "x".repeat(size - own - 1) };
    return create(
      "core/v1:ConfigMap",
      name,
      inputs("v1", "ConfigMap", [NAMESPACE, name], { data: {} }, { annotations }),
    );
  };
  const parcel = (name: string, size: number) => {
    const object = (text: string) => inputs("sizes.test/v1", "Parcel", [NAMESPACE, name], { spec: { text } });
    return create("sizes.test/v1:Parcel", name, object("x".repeat(size - JSON.stringify(object("")).length)));
  };

  it("are those of the program, to the byte, for data and annotations", async () => {
    await configMap("full", MAX_DATA);
    assert.match((await refusal(configMap("fuller", MAX_DATA + 1))).message, /[Tt]oo long|at most 1048576/);
    await annotated("noted", MAX_ANNOTATIONS);
    assert.match((await refusal(annotated("noted-more", MAX_ANNOTATIONS + 1))).message, /[Tt]oo long|at most 262144/);
  });

  it("leave room for an object of the program's largest size, and end at etcd's", async () => {
    await parcel("large", MAX_OBJECT);
    assert.match((await refusal(parcel("too-large", 1.5 * 1024 * 1024))).message, /too large/);
  });

  it("end an update before anything is made", async () => {
    const program = new Program(theProviders().tools);
    try {
      const rendered = join(program.folder, "project", "rendered");
      const config = {
        "istio-gateway:domain": "example.test",
        "istio-gateway:services": [LARGE_SERVICE],
        "istio-gateway:kubernetes": {
          renderDirectory: rendered,
          gatewayApi: { channel: "standard", version: "v1.5.1" },
        },
      };
      await program.init("large", config, {});
      const { code, stdout } = await program.pulumi(["up", "--yes", "--skip-preview", "--stack", "large"]);
      assert.notEqual(code, 0);
      const [, diagnostics = ""] = stdout.split("Diagnostics:");
      assert.equal(diagnostics.match(/error: 1 object is too large, nothing was changed:/g)?.length, 1, stdout);
      assert.doesNotMatch(stdout, /PrivateKey/);
      assert.match(stdout, /HTTPRoute apps\/web\.unified-gateway\.istio-system: \d+ bytes, expected at most 1376256/);
      assert.doesNotMatch(stdout, /unhandled|leaked|promises were still active/i);
      assert.deepEqual(readdirSync(rendered), []);
    } finally {
      program.remove();
    }
  });
});
