import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { POLICY_PACK } from "../../lab/stacks";
import type { Result } from "../../lab/processes";
import { labPath } from "../../lab/state";
import { prepare, pulumi, theLab, type Values } from "./support/lab";

const preview = (stack: string, more: readonly string[] = []): Promise<Result> =>
  pulumi(stack, ["preview", "--policy-pack", POLICY_PACK, ...more]);

const weak: Values = {
  domain: "policy.test",
  gateway: {
    name: "policy",
    namespace: "policy-system",
    address: "192.168.51.220",
    allowedRoutes: "All",
    infrastructure: { preset: "small", patches: { service: { spec: { externalTrafficPolicy: "Cluster" } } } },
  },
  certificate: { type: "self-signed", validity: "60d" },
  services: [
    {
      name: "endless",
      namespace: "policy-apps",
      limits: { streamIdleTimeout: "0s" },
      fault: { abort: { status: 503 } },
      plainHttp: true,
      trafficPolicy: { tls: { mode: "SIMPLE", insecure: true } },
    },
  ],
  mtls: {
    strictNamespaces: ["policy-apps"],
    exceptions: [{ name: "old", namespace: "policy-apps", matchLabels: { app: "old" } }],
  },
};

describe("policy pack, in Pulumi's engine", () => {
  after(async () => {
    await theLab().output(["pulumi", "stack", "rm", "policy-prod", "--yes", "--force", "--non-interactive"]);
  });

  for (const stack of ["dev", "prod"]) {
    it(`takes ${stack}`, async () => {
      await theLab().prepare(stack);
      const { code, stdout, stderr } = await preview(stack);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /istio-gateway@v0\.1\.0/);
      assert.doesNotMatch(stdout, /\[mandatory\]/);
      // Proof that it ran: two services of dev have no limit, those of prod have.
      assert.equal(stdout.match(/\[advisory\] {2}service-limit /g)?.length ?? 0, stack === "dev" ? 2 : 0, stdout);
    });
  }

  it("refuses a stack, and names the violated policies", async () => {
    await prepare("policy-prod", weak);
    const config = labPath("policy-config.json");
    writeFileSync(config, JSON.stringify({ "certificate-lifetime": { maxDays: 30 } }));
    const { code, stdout } = await preview("policy-prod", ["--policy-pack-config", config]);
    assert.notEqual(code, 0);
    const broken = [...stdout.matchAll(/\[mandatory\] +(\S+)/g)].map(([, name = ""]) => name);
    assert.deepEqual(
      [...new Set(broken)].sort(),
      [
        "certificate-lifetime",
        "client-addresses-in-production",
        "gateway-available-in-production",
        "gateway-protected-in-production",
        "no-fault-in-production",
        "no-open-listener-in-production",
        "no-plaintext-route",
        "service-limit-in-production",
        "service-timeout",
        "strict-mutual-tls",
        "verified-backends-in-production",
      ],
      stdout,
    );
  });
});
