import assert from "node:assert/strict";
import { mistakes } from "../../support/stacks";

describe("config/rules/backends/trafficPolicy, retry budgets", () => {
  const of = (defaults: object, own: object) =>
    mistakes({
      defaults: { trafficPolicy: defaults },
      services: [{ name: "web", namespace: "apps", trafficPolicy: own }],
    });

  it("refuses a budget together with a retry limit, whichever comes from the defaults", () => {
    const lines = ["not set", '{"percent":20,"minRetryConcurrency":3}'].map(
      (value) =>
        `istio-gateway:services[0].trafficPolicy.retryBudget: ${value}, expected false, or no connections.maxRetries: Envoy ignores maxRetries if there is a budget`,
    );
    assert.deepEqual(of({ retryBudget: {} }, { connections: { maxRetries: 1 } }), [lines[0]]);
    assert.deepEqual(of({ connections: { maxRetries: 1 } }, { retryBudget: {} }), [lines[1]]);
  });

  it("accepts a budget that is turned off, and a limit that a service replaces", () => {
    assert.deepEqual(of({ retryBudget: {} }, { retryBudget: false, connections: { maxRetries: 1 } }), []);
    assert.deepEqual(of({ connections: { maxRetries: 1 } }, { connections: {}, retryBudget: {} }), []);
  });
});
