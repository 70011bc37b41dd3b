import assert from "node:assert/strict";
import { refuses, mistakes, stack } from "../support/stacks";

const service = (more: Record<string, unknown>) => ({ name: "web", namespace: "apps", ...more });

describe("config/invariants", () => {
  it("refuses hosts that the certificate does not cover", () => {
    for (const host of ["web.example.org", "a.b.example.test", "xexample.test"]) {
      refuses({ services: [service({ host })] }, "services[0].host", /exactly one label below example\.test/);
    }
    refuses({ services: [service({ host: "a.*.example.test" })] }, "services[0].host", /lower-case host name/);
  });

  it("refuses two services with one name, and names that would make route names ambiguous", () => {
    refuses({ services: [service({}), service({})] }, "services[1].name", /other than that of services\[0\]/);
    refuses({ services: [service({ name: "a--b" })] }, "services[0].name", /without '--'/);
  });

  it("refuses the same host and path twice", () => {
    const twin = { name: "twin", namespace: "apps", host: "web.example.test" };
    refuses({ services: [service({}), twin] }, "services[1].paths[0].path", /services\[0\]\.paths\[0\] does not claim/);
    refuses({ services: [service({ paths: ["/a", "/a/"] })] }, "services[0].paths[1].path", /does not claim/);
  });

  it("accepts one path as a prefix and as an exact match, under two names", () => {
    const paths = ["/a", { path: "/a", type: "Exact", name: "exact-a" }];
    assert.deepEqual(mistakes({ services: [service({ paths })] }), []);
  });

  it("refuses rule names that are not unique", () => {
    refuses({ services: [service({ paths: ["/a-b", "/a/b"] })] }, "services[0].paths[1].name", /other than that/);
  });

  it("refuses weights that sum to 0, and negative ones", () => {
    const backends = (...weights: number[]) => weights.map((weight, index) => ({ service: `v${index}`, weight }));
    refuses({ services: [service({ backends: backends(0, 0) })] }, "services[0].backends", /sum above 0/);
    refuses({ services: [service({ backends: backends(1, -1) })] }, "services[0].backends[1].weight", /from 0 to/);
    refuses(
      { services: [service({ paths: [{ path: "/", backends: backends(0) }] })] },
      "services[0].paths[0].backends",
      /sum above 0/,
    );
  });

  it("refuses the same backend twice in a rule", () => {
    const backends = [{ service: "a" }, { service: "a", port: 80 }];
    refuses({ services: [service({ backends })] }, "services[0].backends[1].service", /have no effect/);
  });

  it("refuses a regular expression that a prefix hides", () => {
    const regex = { path: "/api/v[0-9]+", type: "RegularExpression" };
    refuses({ services: [service({ paths: ["/", regex] })] }, "services[0].paths[1].path", /tries prefixes first/);
    refuses({ services: [service({ paths: ["/api", regex] })] }, "services[0].paths[1].path", /tries prefixes first/);
    assert.deepEqual(mistakes({ services: [service({ paths: ["/other", regex] })] }), []);
  });

  it("refuses paths that the Gateway API refuses", () => {
    for (const path of ["api", "/a//b", "/a/../b", "/a/.", "/a%2fb", "/a?b", "/a#b", "/a b"]) {
      refuses({ services: [service({ paths: [path] })] }, "services[0].paths[0].path", /absolute path/);
    }
    const regex = (path: string) => ({ services: [service({ paths: [{ path, type: "RegularExpression" }] })] });
    refuses(regex("/a(?=b)"), "services[0].paths[0].path", /RE2/);
    refuses(regex("/a("), "services[0].paths[0].path", /valid regular expression/);
  });

  it("refuses more paths than an HTTPRoute holds", () => {
    const paths = Array.from({ length: 17 }, (_, index) => `/p${index}`);
    refuses({ services: [service({ paths })] }, "services[0].paths", /at most 16 paths/);
  });

  it("refuses lifetimes that are longer than clients accept, and long ones with protect", () => {
    const certificate = (validity: string) => ({ type: "self-signed", validity });
    for (const validity of ["399d", "1d", "90d30m"]) {
      refuses(
        { certificate: certificate(validity) },
        "certificate.validity",
        /from 2d to 398d in whole hours, such as/,
      );
    }
    assert.deepEqual(mistakes({ certificate: certificate("398d") }), []);
    refuses({ protect: true, certificate: certificate("101d") }, "certificate.validity", /"101d", .*at most 100d if/);
    assert.deepEqual(mistakes({ protect: true, certificate: certificate("100d") }), []);
  });

  it("renews with a third of the lifetime left", () => {
    for (const [validity, renewBefore] of [
      ["90d", "720h"],
      ["100d", "816h"],
      ["48h", "24h"],
      ["49h", "24h"],
    ]) {
      const [certificate] = stack({ certificate: { type: "self-signed", validity } }).certificates;
      assert.ok(certificate && "renewBefore" in certificate.config);
      assert.equal(certificate.config.renewBefore, renewBefore);
    }
  });

  it("refuses to renew on every update", () => {
    const certificate = { type: "self-signed", validity: "30d", renewBefore: "30d" };
    refuses({ certificate }, "certificate.renewBefore", /less than validity \(30d\)/);
  });

  it("refuses cipher suites that are weak, or that do not fit the certificate's key", () => {
    refuses({ gateway: { tls: { cipherSuites: ["RC4-SHA"] } } }, "gateway.tls.cipherSuites[0]", /one of ECDHE-/);
    const cipherSuites = ["ECDHE-ECDSA-AES128-GCM-SHA256"];
    refuses({ gateway: { tls: { cipherSuites } } }, "gateway.tls.cipherSuites", /key of certificate is RSA$/);
    const ecdsa = { type: "self-signed", keyAlgorithm: "ecdsa-p256" };
    assert.deepEqual(mistakes({ gateway: { tls: { cipherSuites } }, certificate: ecdsa }), []);
    const forRsa = { tls: { cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] } };
    refuses(
      { gateway: forRsa, certificate: ecdsa },
      "gateway.tls.cipherSuites",
      /ECDHE-ECDSA-….*key of certificate is ECDSA$/,
    );
    assert.deepEqual(
      mistakes({ gateway: { tls: { cipherSuites } }, certificate: { type: "existing", secretName: "tls" } }),
      [],
    );
  });

  it("refuses unsupported key algorithms", () => {
    for (const keyAlgorithm of ["rsa-1024", "ecdsa-p384", "ed25519"]) {
      refuses({ certificate: { type: "self-signed", keyAlgorithm } }, "certificate.keyAlgorithm", /one of rsa-2048, /);
    }
    const existing = { type: "existing", secretName: "tls", keyAlgorithm: "rsa-2048" };
    refuses({ certificate: existing }, "certificate.keyAlgorithm", /one of the keys type, secretName/);
  });

  it("refuses namespaces that the listener would not admit", () => {
    refuses({ gateway: { allowedRoutes: "Same" } }, "services[0].namespace", /istio-system, since/);
  });

  it("refuses a Gateway name that makes Istio's Service name too long", () => {
    refuses({ gateway: { name: "g".repeat(58) } }, "gateway.name", /at most 57/);
  });

  it("refuses timeouts that the Gateway API does not accept", () => {
    for (const request of ["30", "1.5s", "1w", "-1s"]) {
      refuses({ services: [service({ timeouts: { request } })] }, "services[0].timeouts.request", /a duration/);
    }
  });

  it("refuses an existing certificate without a name", () => {
    refuses({ certificate: { type: "existing" } }, "certificate.secretName", /an object.s name/);
  });
});
