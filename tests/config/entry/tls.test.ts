import assert from "node:assert/strict";
import { routeSpec } from "../../../components/routing/routes";
import { signedBy, testAuthority } from "../../support/certificates";
import { refuses, mistakes, plain, stack } from "../../support/stacks";

describe("config/tls", () => {
  const tls = (values: object) => ({ gateway: { tls: values } });

  it("refuses unknown versions, and those that are not text", () => {
    for (const minVersion of ["1.1", "TLSV1_3", 1.3]) {
      refuses(tls({ minVersion }), "gateway.tls.minVersion", /"1\.2" or "1\.3", as a text$/);
    }
  });

  it("refuses TLS 1.2 suites if TLS 1.2 is not accepted", () => {
    const cipherSuites = ["ECDHE-RSA-AES128-GCM-SHA256"];
    refuses(tls({ minVersion: "1.3", cipherSuites }), "gateway.tls.cipherSuites", /its own suites/);
  });

  it("offers a post-quantum group first, takes any order of the groups, and leaves them to the mesh", () => {
    assert.deepEqual(stack({}).gateway.tls.groups, ["X25519MLKEM768", "X25519", "P-256", "P-384"]);
    for (const groups of [["P-384", "X25519MLKEM768"], ["P-256"], false]) {
      assert.deepEqual(stack(tls({ groups })).gateway.tls.groups, groups);
    }
  });

  it("refuses groups that Envoy or browsers do not have, a group twice, and none", () => {
    for (const group of ["secp256r1", "P-521", "MLKEM1024", "x25519", 29]) {
      refuses(
        tls({ groups: ["X25519", group] }),
        "gateway.tls.groups[1]",
        /expected one of X25519MLKEM768, X25519, P-256, P-384$/,
      );
    }
    const orFalse = "or false for the groups of Envoy or the mesh$";
    refuses(
      tls({ groups: ["P-256", "P-256"] }),
      "gateway.tls.groups",
      /expected each group once, or Envoy refuses all/,
    );
    refuses(tls({ groups: [] }), "gateway.tls.groups", new RegExp(`expected at least one group, ${orFalse}`));
    for (const groups of ["X25519", true, {}]) {
      refuses(tls({ groups }), "gateway.tls.groups", new RegExp(`expected a list of groups, ${orFalse}`));
    }
  });

  it("refuses a list that leaves clients of TLS 1.2 without a key exchange", () => {
    const groups = ["X25519MLKEM768"];
    refuses(tls({ groups }), "gateway.tls.groups", /expected X25519, P-256 or P-384 too, since clients of TLS 1\.2/);
    assert.deepEqual(mistakes(tls({ groups, minVersion: "1.3" })), []);
  });

  it("refuses TLS parameters for every host where TLS passes through, which Istio cannot tell apart", () => {
    const service = { namespace: "apps" };
    const through = { ...service, name: "db", protocol: "tls-passthrough" };
    const services = [{ ...service, name: "rest", host: "*" }, through];
    const because = /since services\[0\] takes every host on the port where services\[1\] passes TLS through/;
    refuses({ services }, "gateway.tls.groups", because);
    const own = { groups: false, minVersion: "1.3" };
    refuses({ services, ...tls(own) }, "gateway.tls.minVersion", because);
    assert.deepEqual(mistakes({ services, ...tls({ groups: false }) }), []);
    const apart = [services[0], { ...through, listenPort: 5432 }];
    assert.deepEqual(mistakes({ services: apart }), []);
  });

  it("says why there is no HTTP/3", () => {
    refuses(tls({ http3: true }), "gateway.tls.http3", /HTTP\/3 is not offered, since .*client certificates$/);
    refuses({ gateway: { http3: true } }, "gateway.http3", /HTTP\/3 is not offered/);
  });
});

describe("config/clientCertificates", () => {
  const clients = (clientCertificates: object) => ({ gateway: { tls: { clientCertificates } } });
  const path = "gateway.tls.clientCertificates.caCertificate";

  it("accepts one CA or several, and requires valid certificates by default", async () => {
    const pems = await Promise.all([testAuthority(365), testAuthority(365)]);
    const caCertificate = pems.map(({ certificatePem }) => certificatePem).join("");
    assert.equal(stack(clients({ caCertificate })).gateway.tls.clientCertificates?.mode, "AllowValidOnly");
  });

  it("refuses certificates that are not CAs', expired ones, and unreadable ones", async () => {
    const authority = await testAuthority(365);
    const client = await signedBy(authority, { commonName: "client" });
    refuses(clients({ caCertificate: client.certificatePem }), path, /CA certificates/);
    refuses(
      clients({ caCertificate: (await testAuthority(-1)).certificatePem }),
      path,
      /have not expired; CN=Test CA expired on/,
    );
    refuses(clients({ caCertificate: "ca.pem" }), path, /CA certificates in PEM/);
    const fake = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    refuses(clients({ caCertificate: fake }), path, /readable X\.509/);
    refuses(clients({}), path, /CA certificates in PEM/);
  });

  it("refuses unknown modes", async () => {
    const { certificatePem: caCertificate } = await testAuthority(365);
    const at = "gateway.tls.clientCertificates.mode";
    refuses(clients({ caCertificate, mode: "optional" }), at, /AllowValidOnly or AllowInsecureFallback/);
  });
});

describe("config/hsts", () => {
  const service = (more: object) => ({ name: "web", namespace: "apps", ...more });
  const headers = (values: Record<string, unknown>) => {
    const [resolved] = stack(values).services;
    assert.ok(resolved);
    const { rules } = routeSpec({ service: resolved, gateway: { name: "g", namespace: "n" } });
    return plain(rules.map(({ filters }) => filters ?? []));
  };
  const sets = (...values: [string, string][]) => [
    {
      type: "ResponseHeaderModifier",
      responseHeaderModifier: { set: values.map(([name, value]) => ({ name, value })) },
    },
  ];
  const year = { maxAge: "365d" };

  it("is off by default", () => {
    assert.deepEqual(headers({}), [[]]);
  });

  it("is the gateway's, unless a service has its own", () => {
    assert.deepEqual(headers({ gateway: { hsts: year } }), [sets(["strict-transport-security", "max-age=31536000"])]);
    const hsts = { maxAge: "5m", includeSubDomains: true };
    assert.deepEqual(headers({ gateway: { hsts: year }, services: [service({ hsts })] }), [
      sets(["strict-transport-security", "max-age=300; includeSubDomains"]),
    ]);
    const preload = { ...year, includeSubDomains: true, preload: true };
    assert.deepEqual(headers({ services: [service({ hsts: preload })] }), [
      sets(["strict-transport-security", "max-age=31536000; includeSubDomains; preload"]),
    ]);
  });

  it("is added to other headers, of a service or of its paths", () => {
    const responseHeaders = { set: { "x-frame-options": "DENY" } };
    const paths = [{ path: "/a", responseHeaders: { set: { "x-a": "1" } } }, "/"];
    const hsts = { maxAge: "0s" };
    assert.deepEqual(headers({ services: [service({ hsts, responseHeaders, paths })] }), [
      sets(["x-a", "1"], ["strict-transport-security", "max-age=0"]),
      sets(["x-frame-options", "DENY"], ["strict-transport-security", "max-age=0"]),
    ]);
  });

  it("refuses to preload what the preload list would refuse", () => {
    const at = "gateway.hsts";
    const short = { maxAge: "364d23h", includeSubDomains: true, preload: true };
    refuses({ gateway: { hsts: short } }, `${at}.maxAge`, /at least 365d if preload is true/);
    refuses({ gateway: { hsts: { ...year, preload: true } } }, `${at}.includeSubDomains`, /true if preload is true/);
    refuses({ gateway: { hsts: {} } }, `${at}.maxAge`, /a duration from 0s to 730d in whole seconds/);
    refuses(
      { services: [service({ hsts: { maxAge: "1s", maxAgeSeconds: 1 } })] },
      "services[0].hsts.maxAgeSeconds",
      /expected the key maxAge, a duration such as 365d$/,
    );
  });

  it("refuses HSTS for gRPC, which does not inherit the gateway's either", () => {
    const hsts = { maxAge: "5m" };
    refuses({ services: [service({ protocol: "grpc", hsts })] }, "services[0].hsts", /not allowed for gRPC/);
    assert.deepEqual(mistakes({ gateway: { hsts }, services: [service({ protocol: "grpc" })] }), []);
  });

  it("refuses HSTS of a path: a browser would keep that of the last path it saw, for all of the host", () => {
    for (const hsts of [{ maxAge: "5m" }, false]) {
      const paths = ["/", { path: "/app", hsts }];
      refuses(
        { services: [service({ paths })] },
        "services[0].paths[1].hsts",
        /one HSTS policy for a host, so hsts is/,
      );
    }
  });

  it("refuses a second place that sets the header, and more headers than a filter holds", () => {
    const given = (responseHeaders: object) => ({ gateway: { hsts: year }, services: [service({ responseHeaders })] });
    const at = "services[0].responseHeaders";
    const set = { "Strict-Transport-Security": "max-age=1" };
    refuses(given({ set }), `${at}.set.Strict-Transport-Security`, /a header other than strict-transport-security/);
    refuses(
      given({ remove: ["strict-transport-security"] }),
      `${at}.remove[0]`,
      /a header other than strict-transport-security/,
    );
    assert.deepEqual(mistakes({ services: [service({ responseHeaders: { set } })] }), []);
    const many = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`x-${index}`, "1"]));
    refuses(given({ set: many }), `${at}.set`, /at most 15 headers besides hsts/);
  });
});
