import assert from "node:assert/strict";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { register, type Registered } from "../../support/deployment";
import { mistakes, stack } from "../../support/stacks";

const NAMES = ["pulumi.com/patchFieldManager", "pulumi.com/patchForce"] as const;

describe("components/fieldManager", () => {
  const deploy = (values: object = {}) =>
    register(() => new UnifiedGateway("gateway", stack({ gateway: { name: "entry", namespace: "edge" }, ...values })));
  const annotations = ({ inputs }: Registered) => {
    const { annotations: all = {} } = inputs.metadata as { annotations?: Record<string, string> };
    return NAMES.map((name) => all[name]);
  };
  const objects = (resources: readonly Registered[]) => resources.filter(({ type }) => type.startsWith("kubernetes:"));

  it("writes every object as one manager of the gateway, and takes nothing over", async () => {
    const found = objects(await deploy()).filter(({ type }) => !type.endsWith("Patch"));
    assert.ok(found.length >= 5);
    for (const object of found) {
      assert.deepEqual(annotations(object), ["istio-gateway/edge/entry", undefined], object.name);
    }
  });

  it("keeps the annotations that an object has", async () => {
    const gateway = objects(await deploy()).find(({ type }) => type.endsWith(":Gateway"));
    const { annotations: all } = gateway?.inputs.metadata as { annotations: Record<string, string> };
    assert.equal(all["pulumi.com/waitFor"], "condition=Programmed");
  });

  it("leaves alone what is another's: a namespace gets its label and nothing else", async () => {
    const patches = objects(await deploy()).filter(({ type }) => type.endsWith("Patch"));
    assert.equal(patches.length, 1);
    assert.deepEqual(patches.map(annotations), [[undefined, undefined]]);
  });

  it("takes over where the config says so", async () => {
    const found = objects(await deploy({ adopt: true })).filter(({ type }) => !type.endsWith("Patch"));
    assert.ok(found.every((object) => annotations(object)[1] === "true"));
  });

  it("refuses anything else than true or false", () => {
    assert.deepEqual(mistakes({ adopt: "yes" }), ['istio-gateway:adopt: "yes", expected true or false']);
  });
});
