import assert from "node:assert/strict";
import { accessFilterPatches } from "../../../components/access/accessFilter";
import { type FilterMap, filterMap } from "../../support/filterMap";
import { testIssuer } from "../../support/jwt";
import { plain, stack } from "../../support/stacks";

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

  describe("by path", () => {
    const office = { allow: ["10.0.0.0/8"] };
    const home = { deny: ["192.0.2.0/24"] };
    const maps = (services: unknown[], key = WEB) => {
      const [, config] = patches(services);
      const { map: hosts } = (plain(config?.patch.value) as { typed_config: { xds_matcher: Tree } }).typed_config
        .xds_matcher.matcher_tree.exact_match_map;
      const { matcher } = hosts[key] ?? {};
      assert.ok(matcher);
      const { input, exact_match_map: rules } = matcher.matcher_tree;
      return {
        by: input.typed_config.key,
        rules: Object.fromEntries(Object.entries(rules.map).map(([rule, entry]) => [rule, filterIn(entry)])),
        otherwise: filterIn(matcher.on_no_match),
      };
    };
    interface Tree {
      matcher_tree: { input: { typed_config: { key: string } }; exact_match_map: { map: Record<string, Entry> } };
      on_no_match: Entry;
    }
    interface Entry {
      matcher?: Tree;
      action: { typed_config: { typed_config?: { typed_config: unknown } } };
    }
    const filterIn = ({ action }: Entry) => action.typed_config.typed_config?.typed_config;
    const allowed = deny({ allow: { not_id: from("10.0.0.0/8") } });

    it("has a map of rules for hosts with such a path, and asks for everything if a rule is not in it", () => {
      const paths = ["/", { path: "/open", access: { public: true } }, { path: "/home", access: home }];
      assert.deepEqual(maps([service("web", office, { paths })]), {
        by: "unified-gateway.final-rule",
        rules: {
          "-": allowed,
          "web--open": undefined,
          "web--home": deny({ deny: from("192.0.2.0/24") }),
          "web--root": allowed,
        },
        otherwise: deny({ allow: { not_id: from("10.0.0.0/8") }, "deny 2": from("192.0.2.0/24") }),
      });
    });

    it("guards a path of an open service, also while its rule has another name", () => {
      const paths = ["/", { path: "/admin", access: office }];
      const { rules, otherwise } = maps([service("web", undefined, { paths })]);
      assert.deepEqual(rules, { "-": undefined, "web--admin": allowed, "web--root": undefined });
      assert.deepEqual(otherwise, deny({ "allow 2": { not_id: from("10.0.0.0/8") } }));
    });

    it("has the rules of all services of the host, and those of a canary's override", () => {
      const canary = { service: "next", percent: 1, override: { headers: { "x-canary": "yes" } } };
      const services = [
        service("web", office, { paths: [{ path: "/", access: { public: true } }], canary }),
        service("api", office, { host: "web.example.test", paths: ["/api"] }),
      ];
      assert.deepEqual(Object.keys(maps(services).rules), ["-", "web--root-canary", "web--root", "api--api"]);
    });

    it("goes by the service on hosts that redirect", () => {
      const hosts = ["web.example.test", { host: "old.example.test", redirect: 301 }];
      const services = [service("web", office, { hosts, paths: ["/", { path: "/open", access: { public: true } }] })];
      const [, config] = patches(services);
      const text = JSON.stringify(config);
      assert.equal(text.split("web--open").length, 2);
      assert.deepEqual(map([service("old", office)]).filters["old.example.test:443"], allowed);
    });

    it("is the same as without, if a path says what its service says", () => {
      const same = service("web", office, { paths: ["/", { path: "/same", access: { allow: ["10.0.0.0/8"] } }] });
      assert.deepEqual(map([same]), map([service("web", office)]));
    });
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
