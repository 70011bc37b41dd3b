import assert from "node:assert/strict";
import { authorizationPolicies } from "../../../components/access/access";
import { accessScopePatches } from "../../../components/access/accessScope";
import { authenticationSpec } from "../../../components/access/authorization";
import { proxyConfig } from "../../../components/entry/clientAddress";
import { routeFilters } from "../../../components/routing/routeFilters";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import { metadataOf, register } from "../../support/deployment";
import { testIssuer } from "../../support/jwt";
import { schemaErrors } from "../../support/schemas";
import { plain, stack } from "../../support/stacks";

const { issuer, jwks } = testIssuer("https://login.example.test");
const jwt = { issuer, jwks, audiences: ["web"], requiredClaims: { role: ["admin", "ops"] } };
const target = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "unified-gateway" }];

const service = (name: string, access?: unknown) => ({ name, namespace: "apps", access });
const direct = { trustedProxies: 0 };

/** Istio's policies, by the last part of their names. */
function policies(services: unknown[], clientAddress: unknown = direct): unknown {
  const config = stack({ services, gateway: { clientAddress } });
  const args = { services: config.services, gateway: config.gateway };
  return plain(authorizationPolicies({ ...args, clientAddress: config.gateway.clientAddress }));
}

describe("components/access", () => {
  describe("checks tokens with one rule for each issuer", () => {
    const rules = (services: unknown[]) =>
      plain(authenticationSpec(stack({ services }).services, { name: "unified-gateway" })) as {
        targetRefs: unknown;
        jwtRules: { issuer: string; audiences?: string[]; forwardOriginalToken: boolean }[];
      };

    it("that names its keys, and takes tokens only from the header of hosts that want them, which it removes", () => {
      assert.deepEqual(rules([service("web", { jwt }), service("open")]), {
        targetRefs: target,
        jwtRules: [
          {
            issuer,
            audiences: ["web"],
            jwks: JSON.stringify(jwks),
            fromHeaders: [{ name: "x-unified-gateway-token", prefix: "Bearer " }],
            forwardOriginalToken: false,
          },
        ],
      });
      assert.equal(authenticationSpec(stack().services, { name: "unified-gateway" }), undefined);
    });

    it("that accepts every service's audiences, or any if one service names none", () => {
      const api = { issuer, jwks, audiences: ["api", "web"] };
      const admin = { issuer, jwks, requiredClaims: { role: ["admin"] } };
      const all = [service("web", { jwt }), service("api", { jwt: api })];
      assert.deepEqual(
        rules(all).jwtRules.map(({ audiences }) => audiences),
        [["web", "api"]],
      );
      const { jwtRules } = rules([...all, service("admin", { jwt: admin })]);
      assert.deepEqual(
        jwtRules.map((rule) => Object.hasOwn(rule, "audiences")),
        [false],
      );
    });

    it("that is one for all services of an issuer, whatever they pass on, with another for each other issuer", () => {
      const partner = testIssuer("https://login.partner.test");
      const { jwtRules } = rules([
        service("web", { jwt }),
        service("api", { jwt: { ...jwt, forwardOriginalToken: true } }),
        service("partner", { jwt: { issuer: partner.issuer, jwks: partner.jwks, audiences: ["web"] } }),
      ]);
      assert.deepEqual(
        jwtRules.map((rule) => [rule.issuer, rule.forwardOriginalToken]),
        [
          [issuer, false],
          [partner.issuer, false],
        ],
      );
    });
  });

  it("removes the token on the routes of services that do not pass it on", () => {
    const changes = (more: Record<string, unknown>, forwardOriginalToken = false) => {
      const given = { ...service("web", { jwt: { ...jwt, forwardOriginalToken } }), ...more };
      const [web] = stack({ services: [given] }).services;
      const [rule] = web?.rules ?? [];
      const filters = web && rule && routeFilters(rule, web);
      return (
        filters &&
        (plain(filters) as { requestHeaderModifier?: unknown }[]).map((filter) => filter.requestHeaderModifier)
      );
    };
    const list = (value: string) => [{ name: "authorization", value }];
    assert.deepEqual(changes({}), [{ remove: ["Authorization"] }]);
    assert.deepEqual(changes({ requestHeaders: { remove: ["x-a"] } }), [{ remove: ["x-a", "Authorization"] }]);
    assert.deepEqual(changes({ requestHeaders: { remove: ["authorization"] } }), [{ remove: ["authorization"] }]);
    assert.deepEqual(changes({ requestHeaders: { set: { authorization: "Basic x" } } }), [{ set: list("Basic x") }]);
    assert.deepEqual(changes({ requestHeaders: { add: { authorization: "Basic x" } } }), [
      { add: list("Basic x"), remove: ["Authorization"] },
    ]);
    assert.equal(changes({}, true), undefined);
    const [open] = stack().services;
    assert.equal(open && open.rules[0] && routeFilters(open.rules[0], open), undefined);
  });

  it("asks the mesh's extension provider about requests with the header of hosts that want it, in one policy", () => {
    const externalAuthorization = { provider: "login" };
    assert.deepEqual(
      policies([service("web", { externalAuthorization }), service("api", { externalAuthorization }), service("open")]),
      {
        "external-authorization": {
          targetRefs: target,
          action: "CUSTOM",
          provider: { name: "login" },
          rules: [{ when: [{ key: "request.headers[x-unified-gateway-ask]", values: ["*"] }] }],
        },
      },
    );
  });

  it("refuses connections that bypass the proxies", () => {
    assert.deepEqual(
      policies([service("web", { public: true })], { trustedProxies: 1, proxyAddresses: ["10.0.0.1"] }),
      {
        detours: {
          targetRefs: target,
          action: "DENY",
          rules: [{ from: [{ source: { notIpBlocks: ["10.0.0.1"] } }] }],
        },
      },
    );
  });

  it("creates nothing if everyone may enter, or if only addresses and tokens decide", async () => {
    assert.deepEqual(policies([service("web"), service("open", { public: true })]), {});
    assert.deepEqual(policies([service("web", { allow: ["10.0.0.0/8"], jwt })]), {});
    const resources = await register(() => new UnifiedGateway("gateway", stack()));
    assert.doesNotMatch(
      JSON.stringify(resources),
      /AuthorizationPolicy|RequestAuthentication|gateway--access|credentials/,
    );
  });

  it("leaves the redirect alone, as soon as anybody may not enter", async () => {
    assert.deepEqual(accessScopePatches([])[0], {
      applyTo: "ROUTE_CONFIGURATION",
      match: {
        context: "GATEWAY",
        routeConfiguration: { portNumber: 80 },
      },
      patch: {
        operation: "MERGE",
        value: {
          typed_per_filter_config: Object.fromEntries(
            ["envoy.filters.http.jwt_authn", "envoy.filters.http.rbac", "envoy.filters.http.ext_authz"].map((name) => [
              name,
              { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true },
            ]),
          ),
        },
      },
    });
    const isScoped = async (access: unknown, clientAddress: unknown = direct) => {
      const config = stack({ services: [service("web", access)], gateway: { clientAddress } });
      const resources = await register(() => new UnifiedGateway("gateway", config));
      return resources.some(({ name }) => name === "gateway-access-scope");
    };
    assert.equal(await isScoped({ jwt }), true);
    assert.equal(await isScoped({ externalAuthorization: { provider: "login" } }), true);
    assert.equal(await isScoped(undefined, { trustedProxies: 1, proxyAddresses: ["10.0.0.1"] }), true);
    // Policies that somebody else adds are not for the redirect either.
    assert.equal(await isScoped({ allow: ["10.0.0.0/8"] }), true);
    assert.equal(await isScoped(undefined), false);
  });

  for (const channel of ["standard", "experimental"] as const) {
    it(`emits objects that the ${channel} CRDs accept, in the Gateway's namespace, with its label`, async () => {
      const services = [
        service("web", {
          allow: ["10.0.0.0/8"],
          deny: ["10.1.0.0/16"],
          jwt,
          externalAuthorization: { provider: "login" },
        }),
        service("open", { public: true }),
      ];
      const clientAddress = { trustedProxies: 2, proxyProtocol: true, proxyAddresses: ["10.0.0.0/24"] };
      const config = stack({ services, gateway: { clientAddress }, defaults: { denyByDefault: true } });
      const resources = await register(() => new UnifiedGateway("gateway", config));
      assert.deepEqual(schemaErrors(channel, resources), []);
      const metadata = resources
        .filter(({ type }) => type.startsWith("kubernetes:security.istio.io/"))
        .map((resource) => metadataOf(resource) as { name: string });
      const labels = {
        "app.kubernetes.io/part-of": "unified-gateway",
        "unified-gateway/gateway-namespace": "istio-system",
      };
      assert.deepEqual(
        metadata.sort((a, b) => (a.name < b.name ? -1 : 1)),
        ["detours", "external-authorization", "jwt"].map((name) => ({
          name: `unified-gateway--${name}`,
          namespace: "istio-system",
          labels,
        })),
      );
    });
  }
});

describe("components/clientAddress", () => {
  it("tells Istio with an annotation on the Gateway's pods, along with how long they drain", () => {
    const topology = (proxyProtocol: boolean) => proxyConfig({ trustedProxies: 2, proxyProtocol }, "1m");
    assert.deepEqual(plain(topology(false)), { drainDuration: "60s", gatewayTopology: { numTrustedProxies: 2 } });
    assert.deepEqual(plain(topology(true)), {
      drainDuration: "60s",
      gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} },
    });
    assert.deepEqual(proxyConfig(undefined, "90s"), { drainDuration: "90s" });
  });
});
