import assert from "node:assert/strict";
import { listenerName } from "../../../config/resolve/listeners";
import { refuses, mistakes, plain, stack } from "../../support/stacks";

const web = (more: object) => ({ name: "web", namespace: "apps", ...more });
const api = (more: object) => ({ name: "api", namespace: "apps", ...more });
const OWN = { type: "existing", secretName: "own" };

/** A stack with exactly one mistake, at a path, with a message. */
const hostsOf = (values: Record<string, unknown>) =>
  stack(values).services.map(({ host, hosts }) => [host, ...hosts.map((one) => `${one.host} ${one.listener}`)]);

describe("config/hosts", () => {
  it("are the name below the first domain, one, or several", () => {
    const domains = ["example.test", "example.org"];
    const services = [
      web({ hosts: ["example.org", { host: "www.example.org", redirect: 301 }, "example.test"] }),
      api({}),
      { name: "rest", namespace: "apps", host: "*.example.org" },
    ];
    assert.deepEqual(hostsOf({ domain: undefined, domains, services }), [
      [
        "example.org",
        "example.org host-example-org",
        "www.example.org wildcard-example-org",
        "example.test host-example-test",
      ],
      ["api.example.test", "api.example.test https"],
      ["*.example.org", "*.example.org wildcard-example-org"],
    ]);
  });

  it("refuses two ways at once, and guesses at either", () => {
    refuses(
      { services: [web({ host: "a.example.test", hosts: ["b.example.test"] })] },
      "services[0].host",
      /either host/,
    );
    refuses({ services: [web({ host: ["a.example.test"] })] }, "services[0].host", /several are a list in hosts/);
    refuses({ services: [web({ paths: [{ path: "/", hosts: [] }] })] }, "services[0].paths[0].hosts", /whole service/);
    refuses({ services: [web({ www: true })] }, "services[0].www", /hosts lists both names/);
    refuses({ services: [web({ tls: { secretName: "x" } })] }, "services[0].tls", /the key certificate, such as/);
    refuses({ services: [web({ host: "münchen.example.test" })] }, "services[0].host", /xn--mnchen-3ya\.example\.test/);
  });

  it("refuses a host twice, a redirect to itself, and a first that redirects or is a wildcard", () => {
    const hosts = (...given: unknown[]) => ({ services: [web({ hosts: given })] });
    const a = "a.example.test";
    refuses(hosts(a, a), "services[0].hosts[1]", /a host other than hosts\[0\]$/);
    refuses(hosts(a, { host: a, redirect: 301 }), "services[0].hosts[1]", /it would redirect to itself/);
    refuses(hosts({ host: a, redirect: 301 }), "services[0].hosts[0].redirect", /the one that the others redirect to/);
    const wildcard = hosts("*.example.test", { host: "example.test", redirect: 301 });
    refuses(wildcard, "services[0].hosts[0]", /without a wildcard/);
    refuses(hosts(a, { host: "b.example.test", redirect: 303 }), "services[0].hosts[1].redirect", /301, 302, 307, 308/);
    const grpc = web({ protocol: "grpc", hosts: [a, { host: "b.example.test", redirect: 301 }] });
    refuses({ services: [grpc] }, "services[0].hosts[1].redirect", /its clients follow no redirect/);
  });

  it("refuses a host and path that two services claim over aliases", () => {
    const services = (...hosts: unknown[]) => ({
      services: [web({ hosts: ["a.example.test", "b.example.test"] }), api({ hosts })],
    });
    refuses(
      services("c.example.test", "b.example.test"),
      "services[1].paths[0].path",
      /services\[0\]\.paths\[0\] does not claim: b\.example\.test \//,
    );
    const redirect = { host: "b.example.test", redirect: 308 };
    refuses(services("c.example.test", redirect), "services[1].hosts[1]", /services\[0\] does not have: a redirect/);
    const both = [web({ hosts: ["a.example.test", redirect] }), api({ hosts: ["c.example.test", redirect] })];
    refuses({ services: both }, "services[1].hosts[1]", /services\[0\] does not have: a redirect answers every path/);
  });

  it("reports a rule about a host once, however many hosts two services share", () => {
    const hosts = ["a.example.test", "b.example.test"];
    const services = [web({ hosts, access: { public: true } }), api({ hosts, paths: ["/api"] })];
    refuses({ services }, "services[1].access", /both serve a\.example\.test/);
  });

  it("refuses a host below a wildcard that leaves paths to nobody", () => {
    const services = (paths: unknown) => ({ services: [web({ host: "*.example.test" }), api({ paths })] });
    refuses(services(["/v1"]), "services[1].paths", /the wildcard of services\[0\] gets no request for this host/);
    assert.deepEqual(mistakes(services(["/", "/v1"])), []);
    const two = [
      web({ host: "*.example.test" }),
      api({ paths: ["/v1"] }),
      { ...api({}), name: "b", host: "api.example.test" },
    ];
    assert.deepEqual(mistakes({ services: two }), []);
  });

  it("takes every name with *, once", () => {
    assert.deepEqual(hostsOf({ services: [web({}), api({ host: "*" })] }), [
      ["web.example.test", "web.example.test https"],
      ["*", "* any-host"],
    ]);
    refuses(
      { services: [web({}), api({ host: "*", certificate: OWN })] },
      "services[1].host",
      /cannot cover every host/,
    );
  });
});

describe("config/certificates", () => {
  it("have Secrets of their own, however alike or long the domains are", () => {
    const long = `${"a".repeat(50)}.${"b".repeat(50)}`;
    const names = ["a-b.test", "a.b.test", `${long}.test`, `${long}.org`].map((domain) => ({
      domain,
      certificate: { type: "self-signed" },
    }));
    const services = names.map(({ domain }, index) => ({ name: `s${index}`, namespace: "apps", host: `x.${domain}` }));
    const { certificates } = stack({ domain: undefined, domains: names, services });
    const secrets = certificates.map(({ config }) => config.secretName);
    assert.deepEqual(secrets.slice(0, 2), [
      "unified-gateway--domain-a--b-test-tls",
      "unified-gateway--domain-a-b-test-tls",
    ]);
    assert.equal(new Set(secrets).size, 4);
    assert.ok(
      secrets.every((name) => name.length <= "unified-gateway--".length + 59 + "-tls".length),
      secrets.join(),
    );
  });
});

describe("config/domains", () => {
  const domains = (...given: unknown[]) => ({ domain: undefined, domains: given });

  it("refuses none, both keys, one twice, and one that nobody uses", () => {
    refuses({ domain: undefined }, "domain", /a domain such as example\.com, or a list in domains/);
    refuses({ domains: ["example.test"] }, "domain", /either domain or domains/);
    refuses(domains("example.test", "example.test"), "domains[1]", /a domain other than domains\[0\]/);
    refuses(domains("example.test", "example.org"), "domains[1]", /none is example\.org or one label below it/);
    refuses(domains("example.test", { domain: "10.0.0.1" }), "domains[1].domain", /a host name, not an IP address/);
  });

  it("needs none if every host has a certificate of its own", () => {
    const services = [web({ host: "a.b.c.test", certificate: OWN })];
    const { listeners } = stack({ domain: undefined, services });
    assert.deepEqual(plain(listeners), [
      { name: "host-a-b-c-test", hostname: "a.b.c.test", port: 443, secretNames: ["own"], namespaces: ["apps"] },
    ]);
  });

  it("checks the certificate of each", () => {
    const certificate = { type: "self-signed", validity: "30d", renewBefore: "30d" };
    const services = [web({}), api({ host: "example.org" })];
    const given = { ...domains("example.test", { domain: "example.org", certificate }), services };
    refuses(given, "domains[1].certificate.renewBefore", /less than validity/);
    const signed = {
      type: "ca-signed",
      caCertificate: "-----BEGIN CERTIFICATE-----",
      caPrivateKey: "-----BEGIN PRIVATE KEY-----",
    };
    refuses(
      { ...domains("example.test", { domain: "example.org", certificate: signed }), services },
      "domains[1].certificate.caPrivateKey",
      /a Pulumi secret/,
    );
  });
});

describe("config/certificates and listeners", () => {
  it("has one certificate for the domains without their own, and those that are configured", () => {
    const certificate = { type: "self-signed", keyAlgorithm: ["ecdsa-p256", "rsa-2048"] };
    const own = { type: "cert-manager", issuer: "acme", names: "hosts" };
    const services = [
      web({ hosts: ["web.example.test", "example.org", "web.example.net"] }),
      api({ host: "a.b.example.test", certificate: OWN }),
    ];
    const domains = ["example.test", "example.org", { domain: "example.net", certificate: own }];
    const { certificates, listeners } = stack({ domain: undefined, domains, certificate, services });
    const shared = ["*.example.test", "example.test", "*.example.org", "example.org"];
    assert.deepEqual(
      certificates.map(({ key, config, dnsNames }) => [key, config.type, config.secretName, dnsNames]),
      [
        ["", "self-signed", "unified-gateway--wildcard-example-test-tls", shared],
        ["second", "self-signed", "unified-gateway--wildcard-example-test-tls-rsa-2048", shared],
        ["example.net", "cert-manager", "unified-gateway--domain-example-net-tls", ["web.example.net"]],
        ["own", "existing", "own", ["a.b.example.test"]],
      ],
    );
    assert.deepEqual(
      listeners.map(({ name, hostname, secretNames }) => [name, hostname, secretNames.length]),
      [
        ["host-a-b-example-test", "a.b.example.test", 1],
        ["host-example-org", "example.org", 2],
        ["https", "*.example.test", 2],
        ["wildcard-example-net", "*.example.net", 1],
      ],
    );
  });

  it("keeps the names of listeners and Secrets when a domain is added, and tells all host names apart", () => {
    const before = stack();
    const services = [web({}), api({ host: "example.org" })];
    const domains = ["example.test", { domain: "example.org", certificate: { type: "self-signed" } }];
    const after = stack({ domain: undefined, domains, services });
    assert.deepEqual(
      after.listeners.filter(({ hostname }) => hostname === "*.example.test"),
      before.listeners,
    );
    assert.deepEqual(after.certificates[0], before.certificates[0]);
    const names = ["a-b.c", "a.b.c", "a--b.c", "wildcard-a.b", "a.b-c"].map((host) => listenerName(host));
    assert.equal(new Set([...names, listenerName("*.a.b"), listenerName("*")]).size, 7);
    assert.equal(listenerName("*.a.b", [{ domain: "a.b" }]), "https");
    // Istio makes a port name of at most 63 characters of it, with which the Service must stay valid.
    const long = Array.from({ length: 60 }, (_, index) => listenerName(`*.${"a-".repeat(index)}a.b-c.test`));
    assert.equal(new Set(long).size, 60);
    for (const name of [...names, ...long]) {
      assert.match(`${name}---65535`, /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    }
  });

  it("refuses two certificates for one host, and two kinds in one Secret", () => {
    const shared = web({ host: "web.example.test", paths: ["/web"] });
    const own = { ...api({}), host: "web.example.test", certificate: OWN };
    const other = { name: "other", namespace: "apps" };
    const own2 = { ...shared, certificate: { ...OWN, secretName: "other" } };
    refuses(
      { services: [own, own2, other] },
      "services[1].certificate",
      /the same certificate as services\[0\].*\(own\)/,
    );
    const asked = { type: "cert-manager", issuer: "acme", secretName: "own" };
    const mixed = [own, web({ host: "x.y.test", certificate: asked }), other];
    refuses({ services: mixed }, "services[1].certificate", /a secretName other than own/);
  });

  it("refuses more listeners than a Gateway holds", () => {
    const services = Array.from({ length: 64 }, (_, index) => ({
      ...web({ host: `a.b${index}.test`, certificate: OWN }),
      name: `s${index}`,
    }));
    refuses({ domain: undefined, services }, "services", /at most 64 listeners.* these need 65/);
    assert.deepEqual(mistakes({ domain: undefined, services: services.slice(1) }), []);
  });

  it("refuses key algorithms that are not one of each kind", () => {
    for (const keyAlgorithm of [["rsa-2048", "rsa-4096"], ["rsa-2048"], ["ecdsa-p256", "rsa-2048", "rsa-4096"]]) {
      refuses(
        { certificate: { type: "self-signed", keyAlgorithm } },
        "certificate.keyAlgorithm",
        /one of RSA and one of ECDSA/,
      );
    }
    const cipherSuites = ["ECDHE-RSA-AES128-GCM-SHA256"];
    const certificate = { type: "self-signed", keyAlgorithm: ["ecdsa-p256", "rsa-2048"] };
    refuses(
      { gateway: { tls: { cipherSuites } }, certificate },
      "gateway.tls.cipherSuites",
      /key of certificate is ECDSA/,
    );
  });
});
