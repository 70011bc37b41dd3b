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

  it("writes every object as one manager per gateway, and takes nothing over", async () => {
    const found = objects(await deploy()).filter(({ type }) => !type.endsWith("Patch"));
    assert.ok(found.length >= 5);
    for (const object of found) {
      assert.deepEqual(annotations(object), ["istio-gateway/edge/entry", undefined], object.name);
    }
  });

  it("keeps an object's own annotations", async () => {
    const gateway = objects(await deploy()).find(({ type }) => type.endsWith(":Gateway"));
    const { annotations: all } = gateway?.inputs.metadata as { annotations: Record<string, string> };
    assert.equal(all["pulumi.com/waitFor"], "condition=Programmed");
  });

  it("leaves others' objects alone: a namespace gets its label and nothing else", async () => {
    const patches = objects(await deploy()).filter(({ type }) => type.endsWith("Patch"));
    assert.equal(patches.length, 1);
    assert.deepEqual(patches.map(annotations), [[undefined, undefined]]);
  });

  it("takes over if configured", async () => {
    const found = objects(await deploy({ adopt: true })).filter(({ type }) => !type.endsWith("Patch"));
    assert.ok(found.every((object) => annotations(object)[1] === "true"));
  });

  it("refuses anything except true and false", () => {
    assert.deepEqual(mistakes({ adopt: "yes" }), ['istio-gateway:adopt: "yes", expected true or false']);
  });
});
