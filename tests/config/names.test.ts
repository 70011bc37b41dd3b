import assert from "node:assert/strict";
import { mistakes, stack } from "../support/stacks";

const LONGEST = `${"a".repeat(200)}.${"b".repeat(52)}`;

describe("config, names of other objects", () => {
  const places: Readonly<Record<string, (name: string) => Record<string, unknown>>> = {
    "certificate.secretName": (secretName) => ({ certificate: { type: "existing", secretName } }),
    "certificate.issuer": (issuer) => ({ certificate: { type: "cert-manager", issuer } }),
    "gateway.className": (className) => ({ gateway: { className } }),
  };
  for (const [path, values] of Object.entries(places)) {
    it(`${path} is what Kubernetes allows: a DNS subdomain`, () => {
      for (const name of ["wildcard.example.com", "a", "0.1-2.x", LONGEST]) {
        assert.deepEqual(mistakes(values(name)), []);
      }
      for (const name of ["", "-a", "a-", "a..b", ".a", "a.", "a.-b", "a_b", "A", `${LONGEST}b`]) {
        const [line = "", ...more] = mistakes(values(name));
        assert.ok(line.startsWith(`istio-gateway:${path}: `) && line.includes("expected an object's name"), line);
        assert.deepEqual(more, []);
      }
    });
  }

  it("the default Secret has the gateway and the domain in its name", () => {
    assert.equal(stack().certificates[0]?.config.secretName, "unified-gateway--wildcard-example-test-tls");
  });

  const providers: Readonly<Record<string, (provider: string) => Record<string, unknown>>> = {
    "services[0].access.externalAuthorization.provider": (provider) => ({
      services: [{ name: "web", namespace: "apps", access: { externalAuthorization: { provider } } }],
    }),
    "telemetry.accessLogs.provider": (provider) => ({ telemetry: { accessLogs: { provider } } }),
    "telemetry.traces.provider": (provider) => ({ telemetry: { traces: { provider } } }),
  };
  for (const [path, values] of Object.entries(providers)) {
    it(`${path} is any name that Istio's meshConfig allows`, () => {
      for (const name of ["ext_authz", "_private", "oauth2-proxy.auth", "My Provider", "a".repeat(300)]) {
        assert.deepEqual(mistakes(values(name)), []);
      }
      for (const name of ["", " ", " a", "a\n"]) {
        assert.ok(mistakes(values(name))[0]?.startsWith(`istio-gateway:${path}: `), name);
      }
    });
  }
});
