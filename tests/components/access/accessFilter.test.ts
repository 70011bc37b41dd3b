import assert from "node:assert/strict";
import { accessFilterPatches } from "../../../components/access/accessFilter";
import { type FilterMap, filterMap } from "../../support/filterMap";
import { testIssuer } from "../../support/jwt";
import { stack } from "../../support/stacks";

const { issuer, jwks } = testIssuer("https://login.example.test");
const WEB = "web.example.test:443";

const service = (name: string, access?: unknown, more: object = {}) => ({ name, namespace: "apps", access, ...more });

interface Given {
  readonly clientAddress?: unknown;
  readonly denyByDefault?: boolean;
}

function patches(services: unknown[], { clientAddress = { trustedProxies: 0 }, denyByDefault = false }: Given = {}) {
  const config = stack({ services, gateway: { clientAddress }, defaults: { denyByDefault } });
  return accessFilterPatches({ ...config, clientAddress: config.gateway.clientAddress });
}

const map = (services: unknown[], given?: Given): FilterMap => filterMap(patches(services, given), "access");

/** The filter that refuses a request as soon as it is one of these. */
const deny = (principals: Record<string, unknown>) => ({
  "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
  rules: {
    action: "DENY",
    policies: Object.fromEntries(
      Object.entries(principals).map(([name, principal]) => [
        name,
        { permissions: [{ any: true }], principals: [principal] },
      ]),
    ),
  },
});

const REFUSE = deny({ "no service": { any: true } });

/** Clients of these blocks, each `ADDRESS/PREFIX`. */
const from = (...blocks: string[]) => ({
  or_ids: {
    ids: blocks.map((block) => {
      const [address_prefix, prefix] = block.split("/");
      return { remote_ip: { address_prefix, prefix_len: Number(prefix) } };
    }),
  },
});

const lacks = (claim: string, ...values: string[]) => ({
  not_id: {
    sourced_metadata: {
      metadata_source: "DYNAMIC",
      metadata_matcher: {
        filter: "envoy.filters.http.jwt_authn",
        path: [{ key: "payload" }, { key: claim }],
        value: {
          or_match: {
            value_matchers: values.flatMap((exact) => [
              { string_match: { exact } },
              { list_match: { one_of: { string_match: { exact } } } },
            ]),
          },
        },
      },
    },
  },
});

describe("components/accessFilter", () => {
  it("refuses clients that a service's lists do not admit", () => {
    const { filters } = map([service("web", { allow: ["10.0.0.0/8", "2001:db8::1"], deny: ["10.1.2.3"] })]);
    assert.deepEqual(
      filters[WEB],
      deny({ allow: { not_id: from("10.0.0.0/8", "2001:db8::1/128") }, deny: from("10.1.2.3/32") }),
    );
  });

  it("takes addresses that a proxy writes in the form of IPv6 for those of IPv4", () => {
    for (const clientAddress of [
      { trustedProxies: 1, proxyAddresses: ["10.9.0.0/16"] },
      { trustedProxies: 0, proxyProtocol: true, proxyAddresses: ["10.9.0.0/16"] },
    ]) {
      const access = { allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.1.2.3"] };
      assert.deepEqual(
        map([service("web", access)], { clientAddress }).filters[WEB],
        deny({
          allow: { not_id: from("10.0.0.0/8", "::ffff:10.0.0.0/104", "2001:db8::/32") },
          deny: from("10.1.2.3/32", "::ffff:10.1.2.3/128"),
        }),
      );
    }
  });

  it("refuses tokens that lack one of the requirements, each with its own policy, and requests without a token", () => {
    const jwt = { issuer, jwks, audiences: ["web"], requiredClaims: { role: ["admin", "ops"] } };
    assert.deepEqual(
      map([service("web", { jwt })]).filters[WEB],
      deny({
        "jwt iss": lacks("iss", issuer),
        "jwt role": lacks("role", "admin", "ops"),
        "jwt of audiences": lacks("aud", "web"),
      }),
    );
  });

  it("keeps a required claim aud next to the audiences", () => {
    const jwt = { issuer, jwks, audiences: ["web"], requiredClaims: { aud: ["admin"] } };
    const text = JSON.stringify(map([service("web", { jwt })]).filters[WEB]);
    assert.match(text, /"exact":"admin"/);
    assert.match(text, /"exact":"web"/);
  });

  it("says for each host which of the issuer's audiences it takes", () => {
    const of = (...audiences: string[]) => ({ jwt: { issuer, jwks, audiences } });
    const { filters } = map([service("web", of("web")), service("api", of("api", "web"))]);
    assert.deepEqual(filters, {
      [WEB]: deny({ "jwt iss": lacks("iss", issuer), "jwt of audiences": lacks("aud", "web") }),
      "api.example.test:443": deny({ "jwt iss": lacks("iss", issuer), "jwt of audiences": lacks("aud", "api", "web") }),
      "-": undefined,
    });
  });

  it("refuses requests about which the external authorizer was not asked", () => {
    assert.deepEqual(
      map([service("web", { externalAuthorization: { provider: "login" } })]).filters[WEB],
      deny({ externalAuthorization: { not_id: { header: { name: "x-unified-gateway-ask", present_match: true } } } }),
    );
  });

  it("has one filter for a host, with every condition of its services", () => {
    const access = {
      allow: ["10.0.0.0/8"],
      deny: ["10.1.0.0/16"],
      jwt: { issuer, jwks, audiences: ["web"] },
      externalAuthorization: { provider: "login" },
    };
    const { filters } = map([
      service("web", access, { paths: ["/"] }),
      service("api", access, { host: "web.example.test", paths: ["/api"] }),
    ]);
    assert.deepEqual(Object.keys(filters), [WEB, "-"]);
    const { rules } = filters[WEB] as unknown as { rules: { policies: object } };
    assert.deepEqual(Object.keys(rules.policies), [
      "allow",
      "deny",
      "jwt iss",
      "jwt of audiences",
      "externalAuthorization",
    ]);
  });

  it("refuses hosts of no service as soon as one is guarded, but not requests that no host matches", () => {
    const { filters, otherwise } = map([service("web", { allow: ["10.0.0.0/8"] }), service("open", { public: true })]);
    assert.deepEqual(Object.keys(filters), [WEB, "open.example.test:443", "-"]);
    assert.deepEqual([filters["open.example.test:443"], filters["-"]], [undefined, undefined]);
    assert.deepEqual(otherwise, REFUSE);
  });

  it("with denyByDefault, refuses everything but its services' hosts, even if those are open", () => {
    assert.deepEqual(map([service("web", { public: true })], { denyByDefault: true }), {
      filters: { [WEB]: undefined },
      otherwise: REFUSE,
    });
  });

  it("acts behind Istio's filters, which have checked tokens and asked by then, on the host", () => {
    const [filter, config] = patches([service("web", { allow: ["10.0.0.0/8"] })]);
    assert.equal(filter?.patch.operation, "INSERT_BEFORE");
    assert.match(JSON.stringify(config), /"key":"unified-gateway\.host"/);
  });

  it("is nothing if everyone may enter everywhere", () => {
    assert.deepEqual(patches([service("web"), service("open", { public: true })]), []);
  });
});
