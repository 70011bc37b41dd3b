import assert from "node:assert/strict";
import { shadowedBy, type BackendTlsPolicy, type DestinationRule } from "../../verify/cluster/shadowed";
import { stack } from "../support/stacks";

const { gateway } = stack();
const BACKEND = { service: "web", namespace: "apps" };

const rule = (host: string, trafficPolicy: Record<string, unknown>, labels = {}): DestinationRule => ({
  metadata: { name: "theirs", namespace: "apps", labels },
  spec: { host, trafficPolicy },
});
const policy = (name: string): BackendTlsPolicy => ({
  metadata: { name: "theirs", namespace: "apps" },
  spec: {
    targetRefs: [{ kind: "Service", name }],
    validation: { hostname: "web.internal", caCertificateRefs: [{ kind: "ConfigMap", name: "web-ca" }] },
  },
});
const of = (carried: object, rules: DestinationRule[], policies: BackendTlsPolicy[] = []) =>
  shadowedBy(BACKEND, carried, gateway, { rules, policies });

describe("verify/shadowed", () => {
  const tls = { mode: "SIMPLE", sni: "web.internal" };
  const connections = {};

  it("names a rule for the Service in any of its names, and what to write in its place", () => {
    for (const host of ["web", "web.apps", "web.apps.svc", "web.apps.svc.cluster.local", "*.apps.svc.cluster.local"]) {
      assert.deepEqual(of({ connections }, [rule(host, { tls })]), [
        {
          name: "DestinationRule apps/theirs",
          loses: "tls",
          write: "tls: { mode: SIMPLE, sni: web.internal }",
        },
      ]);
    }
    assert.deepEqual(of({ connections }, [rule("other", { tls })]), []);
  });

  it("leaves what ours carries too", () => {
    assert.deepEqual(of({ connections, tls: { mode: "SIMPLE" } }, [rule("web", { tls, connectionPool: {} })]), []);
    const [lost] = of({ connections }, [rule("web", { connectionPool: {}, loadBalancer: {}, outlierDetection: {} })]);
    assert.deepEqual([lost?.loses, lost?.write], ["loadBalancer, outlierDetection", "loadBalancing, outlierDetection"]);
  });

  it("writes each key of TLS as it is called here", () => {
    const written = (given: object) => of({ connections }, [rule("web", { tls: given })])[0]?.write;
    const names = { subjectAltNames: ["a", "b"], credentialName: "configmap://apps/ca" };
    assert.equal(
      written({ mode: "SIMPLE", ...names }),
      "tls: { mode: SIMPLE, subjectAltNames: [a, b], ca: { kind: ConfigMap, name: ca } }",
    );
    assert.equal(written({ mode: "MUTUAL", credentialName: "id" }), "tls: { mode: MUTUAL, credentialName: id }");
    assert.equal(written({ mode: "SIMPLE", insecureSkipVerify: true }), "tls: { mode: SIMPLE, insecure: true }");
  });

  it("does not take the gateway's own for another", () => {
    const labels = {
      "app.kubernetes.io/part-of": gateway.name,
      "unified-gateway/gateway-namespace": gateway.namespace,
    };
    assert.deepEqual(of({ connections }, [rule("web.apps.svc.cluster.local", { tls }, labels)]), []);
  });

  it("names a BackendTLSPolicy, whose CA has to be in the Gateway's namespace", () => {
    assert.deepEqual(of({ connections }, [], [policy("web")]), [
      {
        name: "BackendTLSPolicy apps/theirs",
        loses: "TLS",
        write: `tls: { mode: SIMPLE, sni: web.internal, ca: { kind: ConfigMap, name: web-ca } } (with a copy of that ConfigMap in ${gateway.namespace})`,
      },
    ]);
    assert.deepEqual(of({ tls }, [], [policy("web")]), []);
    assert.deepEqual(of({ connections }, [], [policy("other")]), []);
  });
});
