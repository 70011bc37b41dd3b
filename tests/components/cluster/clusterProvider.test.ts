import assert from "node:assert/strict";
import { clusterProvider } from "../../../components/cluster/clusterProvider";
import { only, register } from "../../support/deployment";
import { mistakes, stack } from "../../support/stacks";

const ALWAYS = { enableServerSideApply: "true", enableSecretMutable: "true", enableConfigMapMutable: "true" };

describe("components/clusterProvider", () => {
  const inputs = async (values: object) => {
    const resources = await register(() => clusterProvider("cluster", stack({ ...values }).kubernetes));
    const { kubeconfig: _, ...own } = only(resources, "pulumi:providers:kubernetes").inputs;
    return own;
  };

  it("refuses objects that exist, and fields of others", async () => {
    assert.deepEqual(await inputs({}), ALWAYS);
    assert.deepEqual(await inputs({ adopt: false }), ALWAYS);
  });

  it("takes both over if configured", async () => {
    const adopting = { ...ALWAYS, upsertExistingObjects: "true", enablePatchForce: "true" };
    assert.deepEqual(await inputs({ adopt: true }), adopting);
  });

  it("adopts only for true or false", () => {
    assert.deepEqual(mistakes({ adopt: "yes" }), ['istio-gateway:adopt: "yes", expected true or false']);
  });
});
