import assert from "node:assert/strict";
import { join } from "node:path";
import type { StackConfig } from "../../config";
import { loadStackFile } from "../../config/load/stackFile";
import { evaluate } from "../../policy/evaluate";
import { stack as stackOf } from "../support/stacks";
import { emittedResources } from "../../emit/resources";

const load = (stack: string) => loadStackFile(join(__dirname, "..", "..", `Pulumi.${stack}.yaml`));

/** What the policies find in everything that a stack's program creates, by policy. */
async function findings(config: StackConfig, stack: string, level: string): Promise<string[]> {
  const found = evaluate(await emittedResources(config, stack));
  return found.filter((finding) => finding.level === level).map(({ policy, message }) => `${policy}: ${message}`);
}

describe("policy, on the repository's stacks", () => {
  for (const stack of ["dev", "prod"]) {
    it(`find nothing in ${stack}`, async () => {
      assert.deepEqual(await findings(load(stack), stack, "mandatory"), []);
    });
  }

  it("refuse prod without protection and limits", async () => {
    const { services, ...config } = load("prod");
    const [first, ...others] = services;
    assert.ok(first);
    const unlimited = { ...first, rules: first.rules.map((rule) => ({ ...rule, rateLimit: undefined })) };
    const weak = { ...config, protect: false, services: [unlimited, ...others] };
    assert.deepEqual(await findings(weak, "prod", "mandatory"), [
      "gateway-protected-in-production: istio-ingress/istio-unified-gateway can be deleted: set protect: true.",
      "service-limit-in-production: monitoring/vmagent.istio-unified-gateway.istio-ingress has no rate limit on vmagent--root: set rateLimit.",
    ]);
    assert.deepEqual(await findings(weak, "dev", "mandatory"), []);
  });

  it("refuse prod with a path that escapes its service's limit", async () => {
    const rateLimit = { type: "local", requests: 5, per: "second" };
    const tried = { path: "/tried", rateLimit: { ...rateLimit, enforce: false } };
    const paths = ["/", { path: "/login", rateLimit }, { path: "/health", rateLimit: false }, tried];
    const config = stackOf({ services: [{ name: "web", namespace: "apps", rateLimit, paths }] });
    assert.deepEqual(
      (await findings(config, "prod", "mandatory")).filter((finding) => finding.startsWith("service-limit")),
      [
        "service-limit-in-production: apps/web.unified-gateway.istio-system has no rate limit on web--health, web--tried: set rateLimit.",
      ],
    );
  });

  it("refuse prod with a fault", async () => {
    const { services, ...config } = load("prod");
    const [first, ...others] = services;
    assert.ok(first);
    const faulty = { ...config, services: [{ ...first, fault: { abort: { status: 503, percent: 1 } } }, ...others] };
    assert.deepEqual(await findings(faulty, "prod", "mandatory"), [
      "no-fault-in-production: istio-ingress/istio-unified-gateway--fault delays or aborts requests of vmagent--root: remove fault.",
    ]);
    assert.deepEqual(await findings(faulty, "dev", "mandatory"), []);
  });

  it("refuse an exception from mutual TLS without ports", async () => {
    const mtls = {
      wholeMesh: false,
      rootNamespace: "istio-system",
      strictNamespaces: ["apps"],
      exceptions: [{ name: "old", namespace: "apps", matchLabels: { app: "old" } }],
    };
    assert.deepEqual(await findings({ ...load("dev"), mtls }, "dev", "mandatory"), [
      "strict-mutual-tls: apps/old.istio-unified-gateway.istio-system is PERMISSIVE: limit plain text to the ports that need it.",
    ]);
  });
});
