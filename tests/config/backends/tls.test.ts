import assert from "node:assert/strict";
import { mistakes, stack } from "../../support/stacks";

const AT = "istio-gateway:services[0].trafficPolicy.tls";
const web = (tls: unknown, more: object = {}) => ({
  ...{ name: "web", namespace: "apps", trafficPolicy: { tls }, ...more },
});

/** Asserts that `tls` has exactly one mistake, at a path, with a message. */
function refuses(tls: unknown, path: string, expected: RegExp): void {
  const [line = "", ...more] = mistakes({ services: [web(tls)] });
  assert.deepEqual(more, []);
  assert.ok(line.startsWith(`${AT}${path}: `), line);
  assert.match(line, expected);
}

describe("config/schema/backends/tls", () => {
  const simple = (more: object) => ({ mode: "SIMPLE", ...more });

  it("takes the four modes, with defaults that verify", () => {
    const ca = { kind: "ConfigMap", name: "backend-ca" };
    for (const tls of [
      { mode: "DISABLE" },
      { mode: "ISTIO_MUTUAL" },
      simple({}),
      simple({ ca, sni: "web", subjectAltNames: ["web.apps.svc", "10.0.0.1", "spiffe://cluster.local/ns/a/sa/b"] }),
      simple({ insecure: true, sni: "web.apps.svc" }),
      { mode: "MUTUAL", credentialName: "client", insecure: false },
    ]) {
      assert.deepEqual(stack({ services: [web(tls)] }).services[0]?.trafficPolicy, { tls });
    }
  });

  it("refuses other modes, and keys of another mode", () => {
    refuses({}, ".mode", /expected one of DISABLE, ISTIO_MUTUAL, SIMPLE, MUTUAL$/);
    refuses({ mode: "PASSTHROUGH" }, ".mode", /expected one of DISABLE/);
    refuses({ mode: "DISABLE", sni: "a.test" }, ".sni", /the key mode, which is the only one/);
    refuses({ mode: "MUTUAL" }, ".credentialName", /expected an object's name/);
    const ca = { kind: "Secret", name: "a" };
    refuses({ mode: "MUTUAL", credentialName: "a", ca }, ".ca", /not allowed with MUTUAL: the CAs are in ca\.crt/);
  });

  it("refuses names that no certificate is compared with", () => {
    refuses(simple({ sni: "10.0.0.1" }), ".sni", /a host name, not an IP address/);
    refuses(simple({ sni: "*.a.test" }), ".sni", /a lower-case host name/);
    refuses(simple({ subjectAltNames: [] }), ".subjectAltNames", /at least one name/);
    refuses(simple({ subjectAltNames: ["*.a.test"] }), ".subjectAltNames[0]", /without \*/);
    refuses(simple({ ca: { kind: "File", name: "a" } }), ".ca.kind", /either Secret or ConfigMap/);
    refuses(simple({ ca: "ca.pem" }), ".ca", /a map of keys/);
  });

  it("refuses a check that insecure turns off", () => {
    const unchecked = /expected no ca and no subjectAltNames together with insecure/;
    refuses(simple({ insecure: true, ca: { kind: "Secret", name: "a" } }), "", unchecked);
    refuses({ mode: "MUTUAL", credentialName: "a", insecure: true, subjectAltNames: ["b"] }, "", unchecked);
    refuses(simple({ insecure: "yes" }), ".insecure", /true or false/);
  });

  it("is what words of other manuals lead to", () => {
    refuses(simple({ insecureSkipVerify: true }), ".insecureSkipVerify", /the key insecure: there is no/);
    refuses(simple({ caCertificates: "system" }), ".caCertificates", /the key ca, such as \{ kind: ConfigMap/);
    const [line = ""] = mistakes({
      services: [{ name: "web", namespace: "apps", backends: [{ service: "a", tls: {} }] }],
    });
    assert.match(
      line,
      /backends\[0\]\.tls: .*not allowed here: trafficPolicy: \{ tls: \{ mode: SIMPLE \} \} of the service/,
    );
  });
});

describe("config/rules/backends/trafficPolicy, protocols", () => {
  const shared = { backends: [{ service: "both" }], trafficPolicy: { tls: { mode: "SIMPLE" } } };
  const services = (tls: object) => [
    { name: "web", namespace: "apps", ...shared, ...tls },
    { name: "calls", namespace: "apps", protocol: "grpc", ...shared, ...tls },
  ];

  it("refuses HTTP and gRPC to the same Service over TLS, whose port says neither", () => {
    assert.deepEqual(mistakes({ services: services({}) }), [
      'istio-gateway:services[1].protocol: "grpc", expected that of services[0], since both send to apps/both over TLS: a Service of its own for gRPC',
    ]);
    assert.deepEqual(mistakes({ services: services({ trafficPolicy: {} }) }), []);
  });
});
