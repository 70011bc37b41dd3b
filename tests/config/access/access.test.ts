import assert from "node:assert/strict";
import { blockFlaw, covers } from "../../../config/values/cidr";
import { testIssuer } from "../../support/jwt";
import { refuses, mistakes, stack } from "../../support/stacks";

const issuer = testIssuer("https://login.example.test");
const direct = { clientAddress: { trustedProxies: 0 } };
const service = (access: unknown, name = "web") => ({ name, namespace: "apps", access });
const withAccess = (access: unknown) => ({ gateway: direct, services: [service(access)] });

describe("config/cidr", () => {
  it("accepts addresses and blocks of both families", () => {
    for (const text of [
      "10.0.0.7",
      "10.0.0.0/8",
      "0.0.0.0/0",
      "2001:db8::/32",
      "::1",
      "::/0",
      "64:ff9b::1.2.3.4/128",
    ]) {
      assert.equal(blockFlaw(text), undefined, text);
    }
  });

  it("refuses invalid ones", () => {
    for (const text of [
      "",
      "10.0.0",
      "10.0.0.256",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/08",
      "10.0.0.0/8/8",
      "::/129",
    ]) {
      assert.match(blockFlaw(text) ?? "", /an IP address or a CIDR block/, text);
    }
    assert.match(blockFlaw("fe80::1%eth0") ?? "", /an IP address/);
  });

  it("refuses a block that does not start at its first address, and suggests the one that does", () => {
    assert.match(blockFlaw("192.168.7.1/16") ?? "", /first address: 192\.168\.0\.0\/16/);
    assert.match(blockFlaw("2001:db8::1/32") ?? "", /first address: 2001:db8::\/32/);
  });

  it("refuses IPv4-mapped IPv6 blocks, which match no client", () => {
    assert.match(blockFlaw("::ffff:10.0.0.0/104") ?? "", /IPv4 form/);
  });

  it("knows which block covers which", () => {
    assert.ok(covers("10.0.0.0/8", "10.1.0.0/16"));
    assert.ok(covers("10.0.0.0/8", "10.255.255.255"));
    assert.ok(covers("2001:db8::/32", "2001:db8:ffff::1"));
    assert.ok(!covers("10.1.0.0/16", "10.0.0.0/8"));
    assert.ok(!covers("10.0.0.0/8", "11.0.0.1"));
    assert.ok(!covers("::/0", "10.0.0.1"));
  });
});

describe("config/access", () => {
  it("uses a service's access, or else the default", () => {
    const web = service({ public: true });
    const services = [web, { name: "other", namespace: "apps" }];
    const config = stack({ gateway: direct, services, defaults: { access: { allow: ["10.0.0.0/8"] } } });
    assert.deepEqual(
      config.services.map(({ access }) => access),
      [{ public: true }, { allow: ["10.0.0.0/8"] }],
    );
    assert.equal(stack().services[0]?.access, undefined);
  });

  it("refuses empty lists, lists of everyone, and access that is empty or contradictory", () => {
    refuses(withAccess({ allow: [] }), "services[0].access.allow", /at least one/);
    refuses(withAccess({ deny: [] }), "services[0].access.deny", /at least one/);
    refuses(withAccess({ allow: ["0.0.0.0/0"] }), "services[0].access.allow", /public: true/);
    refuses(withAccess({ allow: ["10.0.0.0/33"] }), "services[0].access.allow[0]", /CIDR block/);
    refuses(withAccess({}), "services[0].access", /at least one of allow/);
    refuses(
      withAccess({ public: true, deny: ["10.0.0.0/8"] }),
      "services[0].access",
      /either public or the other keys/,
    );
    refuses(withAccess({ public: false }), "services[0].access.public", /true: leave the key out otherwise/);
    refuses(withAccess({ deny: ["10.0.0.0/8"], alow: [] }), "services[0].access.alow", /the key allow/);
  });

  it("refuses an entry of allow that deny covers", () => {
    const access = { allow: ["10.0.0.0/8", "192.168.1.0/24"], deny: ["10.1.0.0/16", "192.168.0.0/16"] };
    refuses(withAccess(access), "services[0].access.allow[1]", /deny\[1\] \(192\.168\.0\.0\/16\)/);
  });

  it("refuses different access on one host", () => {
    const twin = { name: "twin", namespace: "apps", host: "web.example.test", paths: ["/twin"] };
    const open = { gateway: direct, services: [service({ allow: ["10.0.0.0/8"] }), twin] };
    refuses(open, "services[1].access", /the same access as services\[0\]: both serve web\.example\.test/);
    const same = { ...twin, access: { allow: ["10.0.0.0/8"] } };
    assert.deepEqual(mistakes({ gateway: direct, services: [service({ allow: ["10.0.0.0/8"] }), same] }), []);
  });

  it("refuses services that do not say who may enter, if all have to", () => {
    const services = [service({ public: true }), { name: "other", namespace: "apps" }];
    refuses({ services, defaults: { denyByDefault: true } }, "services[1].access", /access rules, since/);
    assert.deepEqual(mistakes({ services, defaults: { denyByDefault: true, access: { public: true } } }), []);
  });

  it("uses a path's access, or else its service's, or else the default, and merges nothing", () => {
    const web = {
      ...service({ allow: ["10.0.0.0/8"] }),
      paths: ["/", { path: "/a", access: { deny: ["10.1.0.0/16"] } }],
    };
    const other = { name: "other", namespace: "apps", paths: ["/", { path: "/b", access: { public: true } }] };
    const defaults = { access: { allow: ["192.0.2.0/24"] } };
    const config = stack({ gateway: direct, services: [web, other], defaults });
    assert.deepEqual(
      config.services.flatMap(({ rules }) => rules.map(({ name, access }) => [name, access])),
      [
        ["web--a", { deny: ["10.1.0.0/16"] }],
        ["web--root", { allow: ["10.0.0.0/8"] }],
        ["other--b", { public: true }],
        ["other--root", { allow: ["192.0.2.0/24"] }],
      ],
    );
  });

  it("holds a path's access to the same rules", () => {
    const web = (access: unknown, more: object = {}) => ({
      ...more,
      services: [{ name: "web", namespace: "apps", paths: ["/", { path: "/a", access }] }],
    });
    const at = "services[0].paths[1].access";
    refuses(web({}), at, /at least one of allow/);
    refuses(web({ public: true, deny: ["10.0.0.0/8"] }), at, /either public or the other keys/);
    refuses(web({ allow: ["10.1.0.0/16"], deny: ["10.0.0.0/8"] }, { gateway: direct }), `${at}.allow[0]`, /deny\[0\]/);
    refuses(web({ allow: ["10.1.0.0/16"] }), "gateway.clientAddress", /since services\[0\]\.paths\[1\]\.access\.allow/);
    refuses(web({ clientCertificate: { subjectAltNames: ["a"] } }), `${at}.clientCertificate`, /nobody is asked/);
    const denied = web({ public: true }, { defaults: { denyByDefault: true } });
    refuses(denied, "services[0].access", /access rules, since/);
    const jwt = { issuer: "x", jwksUri: "https://x.test/keys", audiences: ["a"] };
    const plainHttp = { name: "web", namespace: "apps", plainHttp: true, paths: [{ path: "/", access: { jwt } }] };
    refuses({ services: [plainHttp], gateway: {} }, "services[0].plainHttp", /no access\.jwt with it/);
    const one = service({ jwt });
    const two = {
      name: "two",
      namespace: "apps",
      paths: [{ path: "/", access: { jwt: { ...jwt, jwksUri: "https://y.test/" } } }],
    };
    refuses({ services: [one, two] }, "services[1].paths[0].access.jwt.jwksUri", /the same jwks or jwksUri/);
  });

  it("refuses two external authorization providers", () => {
    const asks = (provider: string, name: string) => service({ externalAuthorization: { provider } }, name);
    refuses(
      { services: [asks("one", "a"), asks("two", "b")] },
      "services[1].access.externalAuthorization.provider",
      /one, the provider in services\[0\]\.access/,
    );
  });
});

describe("config/clientAddress", () => {
  const services = [service({ allow: ["10.0.0.0/8"] })];
  const behind = (clientAddress: unknown) => ({ services, gateway: { clientAddress } });

  it("requires what is in front of the gateway as soon as an address matters", () => {
    refuses({ services }, "gateway.clientAddress", /since services\[0\]\.access\.allow depends on client addresses/);
    refuses({ services: [service({ deny: ["10.0.0.0/8"] })] }, "gateway.clientAddress", /services\[0\]\.access\.deny/);
    const byDefault = { defaults: { access: { allow: ["10.0.0.0/8"] } } };
    const two = [
      { name: "a", namespace: "apps" },
      { name: "b", namespace: "apps" },
    ];
    refuses({ ...byDefault, services: two }, "gateway.clientAddress", /since defaults\.access\.allow/);
    assert.deepEqual(mistakes(behind({ trustedProxies: 0 })), []);
    assert.deepEqual(mistakes({ services: [service({ public: true })] }), []);
  });

  it("requires the addresses of trusted proxies, and allows none without", () => {
    const at = "gateway.clientAddress.proxyAddresses";
    refuses(behind({ trustedProxies: 1 }), at, /bypass the proxies could forge theirs and pass services\[0\]\.access/);
    refuses(behind({ trustedProxies: 0, proxyProtocol: true }), at, /clients that bypass the proxies/);
    refuses(
      behind({ trustedProxies: 0, proxyAddresses: ["10.0.0.1"] }),
      at,
      /not allowed without trustedProxies or proxyProtocol/,
    );
    assert.deepEqual(mistakes(behind({ trustedProxies: 1, proxyAddresses: ["0.0.0.0/0", "::/0"] })), []);
    assert.deepEqual(mistakes({ gateway: { clientAddress: { trustedProxies: 1 } } }), []);
  });

  it("refuses invalid numbers of proxies", () => {
    for (const trustedProxies of [-1, 17, 0.5, undefined]) {
      refuses(behind({ trustedProxies }), "gateway.clientAddress.trustedProxies", /from 0 to 16/);
    }
  });
});

describe("config/jwt", () => {
  const token = { issuer: issuer.issuer, jwks: issuer.jwks, audiences: ["web"] };
  const refusesToken = (jwt: Record<string, unknown>, path: string, reason: RegExp) =>
    refuses(withAccess({ jwt }), `services[0].access.jwt${path}`, reason);

  it("accepts keys, or a URL of keys", () => {
    assert.deepEqual(mistakes(withAccess({ jwt: token })), []);
    for (const jwksUri of [
      "https://login.test/keys",
      "http://keys.login.svc.cluster.local/",
      "http://keys.login.svc/",
    ]) {
      assert.deepEqual(mistakes(withAccess({ jwt: { ...token, jwks: undefined, jwksUri } })), [], jwksUri);
    }
  });

  it("refuses both, neither, and URLs that anyone could answer for", () => {
    refusesToken({ ...token, jwksUri: "https://login.test/keys" }, "", /either jwks or jwksUri/);
    refusesToken({ issuer: "x", audiences: ["web"] }, "", /either jwks or jwksUri/);
    for (const jwksUri of ["http://login.test/keys", "ftp://x.svc/", "keys", "https://user:password@login.test/"]) {
      refusesToken({ ...token, jwks: undefined, jwksUri }, ".jwksUri", /an https URL/);
    }
  });

  it("refuses private, shared and invalid keys", () => {
    const [key] = issuer.jwks.keys;
    const keys = (jwk: unknown) => ({ ...token, jwks: { keys: [jwk] } });
    refusesToken(keys({ ...key, d: "AQAB" }), ".jwks.keys[0]", /a public key/);
    refusesToken(keys({ kty: "oct", k: "c2VjcmV0" }), ".jwks.keys[0]", /a public key/);
    refusesToken(keys({ kty: "RSA", n: "AQAB" }), ".jwks.keys[0]", /readable public key/);
    refusesToken({ ...token, jwks: { keys: [] } }, ".jwks.keys", /at least one key/);
  });

  it("refuses tokens that every service of the issuer would accept", () => {
    refusesToken({ issuer: "x", jwks: issuer.jwks }, "", /audiences or requiredClaims/);
    assert.deepEqual(
      mistakes(withAccess({ jwt: { ...token, audiences: undefined, requiredClaims: { a: ["b"] } } })),
      [],
    );
  });

  it("refuses wildcards, which Istio would interpret, and names with brackets", () => {
    refusesToken({ ...token, issuer: "https://login.test/*" }, ".issuer", /without '\*'/);
    refusesToken({ ...token, audiences: ["*"] }, ".audiences[0]", /without '\*'/);
    refusesToken({ ...token, requiredClaims: { role: ["admin*"] } }, ".requiredClaims.role[0]", /without '\*'/);
    refusesToken({ ...token, requiredClaims: { role: [] } }, ".requiredClaims.role", /at least one value/);
    refusesToken({ ...token, requiredClaims: { "a][b": ["x"] } }, ".requiredClaims.a][b", /without brackets/);
    refusesToken({ ...token, requiredClaims: {} }, ".requiredClaims", /at least one claim/);
  });

  it("refuses the claim iss beside the issuer, which it would replace", () => {
    const requiredClaims = { iss: ["https://else.test"] };
    refusesToken({ ...token, requiredClaims }, ".requiredClaims.iss", /a claim other than iss/);
  });

  it("refuses two services that check the tokens of one issuer with different keys", () => {
    const two = (first: Record<string, unknown>, second: Record<string, unknown>) => ({
      services: [service({ jwt: { ...token, ...first } }, "web"), service({ jwt: { ...token, ...second } }, "api")],
    });
    const uri = { jwks: undefined, jwksUri: "https://login.test/keys" };
    const reason =
      /the same jwks or jwksUri as services\[0\]\.access\.jwt: Istio checks all tokens of https:\/\/login\.example\.test/;
    refuses(two({}, uri), "services[1].access.jwt.jwksUri", reason);
    refuses(two(uri, {}), "services[1].access.jwt.jwks", reason);
    refuses(two(uri, { ...uri, jwksUri: "https://login.test/" }), "services[1].access.jwt.jwksUri", reason);
    refuses(two({}, { jwks: testIssuer(issuer.issuer).jwks }), "services[1].access.jwt.jwks", reason);
    assert.deepEqual(mistakes(two({}, { audiences: ["api"], forwardOriginalToken: true })), []);
    // Pulumi sorts the keys of a stack file's maps, but not those of a file of services.
    const sorted = (key: object) => Object.fromEntries(Object.entries(key).reverse());
    assert.deepEqual(mistakes(two({}, { jwks: { keys: token.jwks.keys.map(sorted) } })), []);
    assert.deepEqual(mistakes(two({}, { ...uri, issuer: "https://login.partner.test" })), []);
    const inherited = { ...two({}, uri), defaults: { access: { jwt: { ...token, ...uri } } } };
    const services = [service({ jwt: token }), service(undefined, "a"), service(undefined, "b")];
    refuses({ ...inherited, services }, "defaults.access.jwt.jwksUri", reason);
  });

  it("leaves room for the token among the headers that a route removes", () => {
    const remove = Array.from({ length: 16 }, (_, index) => `x-${index}`);
    const web = (more: Record<string, unknown>, forwardOriginalToken = false) => ({
      services: [{ ...service({ jwt: { ...token, forwardOriginalToken } }), ...more }],
    });
    const requestHeaders = { remove };
    refuses(web({ requestHeaders }), "services[0].requestHeaders.remove", /at most 15 headers besides Authorization/);
    refuses(
      web({ paths: [{ path: "/", requestHeaders }] }),
      "services[0].paths[0].requestHeaders.remove",
      /at most 15 headers/,
    );
    assert.deepEqual(mistakes(web({ requestHeaders }, true)), []);
    assert.deepEqual(mistakes({ services: [{ ...service(undefined), requestHeaders }] }), []);
  });
});
