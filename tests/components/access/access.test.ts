import assert from "node:assert/strict";
import { authorizationPolicies } from "../../../components/access/access";
import { accessScopePatches } from "../../../components/access/accessScope";
import { authenticationSpec } from "../../../components/access/authorization";
import { infrastructureAnnotations } from "../../../components/entry/clientAddress";
import { gatewaySpec } from "../../../components/entry/tlsGateway";
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

function policies(
  services: unknown[],
  clientAddress: unknown = direct,
  denyByDefault = false,
): Record<string, unknown> {
  const config = stack({ services, gateway: { clientAddress }, defaults: { denyByDefault } });
  const args = { services: config.services, gateway: config.gateway, denyByDefault };
  return plain(authorizationPolicies({ ...args, clientAddress: config.gateway.clientAddress })) as Record<
    string,
    unknown
  >;
}

describe("components/access", () => {
  const to = [{ operation: { hosts: ["web.example.test", "web.example.test:*"] } }];

  it("refuses clients that a service's lists do not admit, for its host with any port", () => {
    assert.deepEqual(policies([service("web", { allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"] }), service("open")]), {
      "web--access": {
        targetRefs: target,
        action: "DENY",
        rules: [
          { from: [{ source: { notRemoteIpBlocks: ["10.0.0.0/8"] } }], to },
          { from: [{ source: { remoteIpBlocks: ["10.1.0.0/16"] } }], to },
        ],
      },
    });
  });

  it("takes addresses that a proxy writes in the form of IPv6 for those of IPv4", () => {
    const proxies = { trustedProxies: 1, proxyAddresses: ["10.9.0.0/16"] };
    const { rules } = policies(
      [service("web", { allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.1.2.3"] })],
      proxies,
    )["web--access"] as { rules: unknown };
    assert.deepEqual(rules, [
      { from: [{ source: { notRemoteIpBlocks: ["10.0.0.0/8", "::ffff:10.0.0.0/104", "2001:db8::/32"] } }], to },
      { from: [{ source: { remoteIpBlocks: ["10.1.2.3", "::ffff:10.1.2.3/128"] } }], to },
    ]);
  });

  it("refuses tokens that lack one of the requirements, each with its own rule", () => {
    assert.deepEqual(policies([service("web", { jwt })]), {
      "web--access": {
        targetRefs: target,
        action: "DENY",
        rules: [
          { to, when: [{ key: "request.auth.claims[iss]", notValues: [issuer] }] },
          { to, when: [{ key: "request.auth.claims[role]", notValues: ["admin", "ops"] }] },
          { to, when: [{ key: "request.auth.audiences", notValues: ["web"] }] },
        ],
      },
    });
  });

  describe("checks tokens with one rule for each issuer", () => {
    const rules = (services: unknown[]) =>
      plain(authenticationSpec(stack({ services }).services, { name: "unified-gateway" })) as {
        targetRefs: unknown;
        jwtRules: { issuer: string; audiences?: string[]; forwardOriginalToken: boolean }[];
      };

    it("that names its keys, and takes tokens only from their header", () => {
      assert.deepEqual(rules([service("web", { jwt }), service("open")]), {
        targetRefs: target,
        jwtRules: [
          {
            issuer,
            audiences: ["web"],
            jwks: JSON.stringify(jwks),
            fromHeaders: [{ name: "Authorization", prefix: "Bearer " }],
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
      // What an audience is for, each host's own policy says.
      const { rules: refused } = policies(all)["api--access"] as { rules: { when: unknown[] }[] };
      assert.deepEqual(
        refused.map(({ when }) => when),
        [
          [{ key: "request.auth.claims[iss]", notValues: [issuer] }],
          [{ key: "request.auth.audiences", notValues: ["api", "web"] }],
        ],
      );
    });

    it("that leaves the token if one service wants it, and a rule for each other issuer", () => {
      const partner = testIssuer("https://login.partner.test");
      const { jwtRules } = rules([
        service("web", { jwt }),
        service("api", { jwt: { ...jwt, forwardOriginalToken: true } }),
        service("partner", { jwt: { issuer: partner.issuer, jwks: partner.jwks, audiences: ["web"] } }),
      ]);
      assert.deepEqual(
        jwtRules.map((rule) => [rule.issuer, rule.forwardOriginalToken]),
        [
          [issuer, true],
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

  it("delegates to the mesh's extension provider", () => {
    assert.deepEqual(policies([service("web", { externalAuthorization: { provider: "login" } })]), {
      "web--external-authorization": {
        targetRefs: target,
        action: "CUSTOM",
        provider: { name: "login" },
        rules: [{ to }],
      },
    });
  });

  it("refuses other hosts by default, and connections that bypass the proxies", () => {
    const clientAddress = { trustedProxies: 1, proxyAddresses: ["10.0.0.1"] };
    assert.deepEqual(policies([service("web", { public: true })], clientAddress, true), {
      "other-hosts": {
        targetRefs: target,
        action: "DENY",
        rules: [{ to: [{ operation: { notHosts: ["web.example.test", "web.example.test:*"] } }] }],
      },
      detours: {
        targetRefs: target,
        action: "DENY",
        rules: [{ from: [{ source: { notIpBlocks: ["10.0.0.1"] } }] }],
      },
    });
  });

  it("creates nothing if everyone may enter", async () => {
    assert.deepEqual(policies([service("web"), service("open", { public: true })]), {});
    const resources = await register(() => new UnifiedGateway("gateway", stack()));
    assert.doesNotMatch(JSON.stringify(resources), /AuthorizationPolicy|RequestAuthentication|access-scope/);
  });

  it("validates tokens only on hosts that require one, and leaves the redirect alone", () => {
    const { services } = stack({
      gateway: { clientAddress: direct },
      services: [service("web", { jwt }), service("open")],
    });
    assert.deepEqual(
      accessScopePatches(services, "example.test").map(({ applyTo, match, patch }) => [
        applyTo,
        match.routeConfiguration,
        patch.operation,
        Object.keys(patch.value.typed_per_filter_config as object),
      ]),
      [
        [
          "VIRTUAL_HOST",
          { portNumber: 80, vhost: { name: "*.example.test:80" } },
          "MERGE",
          ["envoy.filters.http.jwt_authn", "envoy.filters.http.rbac", "envoy.filters.http.ext_authz"],
        ],
        [
          "VIRTUAL_HOST",
          { portNumber: 443, vhost: { name: "open.example.test:443" } },
          "MERGE",
          ["envoy.filters.http.jwt_authn"],
        ],
      ],
    );
    assert.equal(accessScopePatches(stack().services, "example.test").length, 1);
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
        ["detours", "jwt", "other-hosts", "web--access", "web--external-authorization"].map((name) => ({
          name: `unified-gateway--${name}`,
          namespace: "istio-system",
          labels,
        })),
      );
    });
  }
});

describe("components/clientAddress", () => {
  it("tells Istio with an annotation on the Gateway's pods", () => {
    const annotations = (proxyProtocol: boolean) => infrastructureAnnotations({ trustedProxies: 2, proxyProtocol });
    assert.deepEqual(annotations(false), { "proxy.istio.io/config": '{"gatewayTopology":{"numTrustedProxies":2}}' });
    assert.deepEqual(annotations(true), {
      "proxy.istio.io/config": '{"gatewayTopology":{"numTrustedProxies":2,"proxyProtocol":{}}}',
    });
  });

  it("sets none of these if the stack does not", () => {
    const { gateway: config, domain } = stack();
    const { infrastructure } = gatewaySpec({ config, domain, secretName: "tls", protect: false }, "parameters");
    assert.deepEqual(infrastructure?.annotations, {
      "kubernetes.io/description": "Proxies of the Gateway istio-system/unified-gateway",
    });
  });
});
