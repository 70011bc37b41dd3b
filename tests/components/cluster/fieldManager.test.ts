import assert from "node:assert/strict";
import { stackGateway } from "../../../components/stackGateway";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { register, type Registered } from "../../support/deployment";
import { stack } from "../../support/stacks";

const NAME = "pulumi.com/patchFieldManager";

describe("components/fieldManager", () => {
  const config = (gateway: object = { name: "entry", namespace: "edge" }) => stack({ gateway });
  const managers = (resources: readonly Registered[]) =>
    resources
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .map(({ inputs }) => (inputs.metadata as { annotations?: Record<string, string> }).annotations?.[NAME]);

  it("writes every object of a stack as one manager, whatever its gateway is called", async () => {
    const found = managers(await register(() => stackGateway(config(), "prod", {})));
    assert.ok(found.length >= 5);
    assert.deepEqual([...new Set(found)], ["istio-gateway/prod"]);
    const renamed = managers(await register(() => stackGateway(config({ name: "other" }), "prod", {})));
    assert.deepEqual(renamed, found);
  });

  it("names the manager after the component in other programs, unless they give it a name", async () => {
    const [own] = managers(await register(() => new UnifiedGateway("shop", config())));
    assert.equal(own, "istio-gateway/shop");
    const [given] = managers(await register(() => new UnifiedGateway("shop", { ...config(), fieldManager: "us" })));
    assert.equal(given, "us");
  });

  it("keeps an object's own annotations, and adds no other", async () => {
    const resources = await register(() => stackGateway(config(), "prod", {}));
    const gateway = resources.find(({ type }) => type.endsWith(":Gateway"));
    const { annotations } = gateway?.inputs.metadata as { annotations: Record<string, string> };
    assert.deepEqual(annotations, {
      [NAME]: "istio-gateway/prod",
      "pulumi.com/waitFor": "condition=Programmed",
      "pulumi.com/timeoutSeconds": "120",
    });
  });
});
