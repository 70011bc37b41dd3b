import type { Service } from "../../config";
import { conditionsOf } from "../../config/resolve/entrance";
import { type Jwt, TOKEN_HEADER } from "../../config/schema/access/jwt";
import { type ClientAddress, tellsClients } from "../../config/schema/entry/clientAddress";
import { withMapped } from "../../config/values/cidr";
import { grouped } from "../../config/values/grouped";
import type {
  AuthorizationCondition,
  AuthorizationPolicySpec,
  AuthorizationRule,
} from "../../kinds/authorizationPolicy";
import type { JWTRule, RequestAuthenticationSpec } from "../../kinds/requestAuthentication";
import { gatewayTarget } from "../shared/gatewayTarget";
import type { GatewayRef } from "../shared/naming";

/**
 * Specs of the policies that decide who may enter.
 *
 * Allow lists are DENY policies for everyone else, not ALLOW policies: one ALLOW policy closes every other host of the gateway,
 * and several add up, so anyone's ALLOW policy would open what another closes. A DENY rule does not depend on others, is
 * evaluated first, and matches more, not less, if Istio cannot translate part of it.
 */

/**
 * Every Host header that leads to a host: Envoy ignores case and strips whatever follows the last colon, port or not. `HOST:*` is
 * a prefix match. Istio ignores case too.
 */
export function authorities(host: string): string[] {
  return [host, `${host}:*`];
}

/**
 * Requests that a service's address lists and JWT refuse; undefined if it has neither.
 * @param clientAddress Where clients' addresses come from: a proxy may write those of IPv4 in the form of IPv6, which Envoy compares
 * with blocks of IPv6 only.
 */
export function refusalSpec(
  { host, access }: Service,
  gateway: Pick<GatewayRef, "name">,
  clientAddress?: ClientAddress,
): AuthorizationPolicySpec | undefined {
  const to = [{ operation: { hosts: authorities(host) } }];
  const blocksOf = (blocks: readonly string[]) => (tellsClients(clientAddress) ? withMapped(blocks) : [...blocks]);
  const rules = conditionsOf(access).flatMap((condition): AuthorizationRule[] => {
    switch (condition.type) {
      case "from":
        return [{ from: [{ source: { notRemoteIpBlocks: blocksOf(condition.blocks) } }], to }];
      case "not-from":
        return [{ from: [{ source: { remoteIpBlocks: blocksOf(condition.blocks) } }], to }];
      case "token":
        // RequestAuthentication admits requests without a token, and tokens for other services.
        return tokenConditions(condition.jwt).map((when) => ({ to, when: [when] }));
      case "external-authorization":
        // A separate policy: see externalAuthorizationSpec.
        return [];
    }
  });
  return rules.length === 0 ? undefined : { targetRefs: [gatewayTarget(gateway)], action: "DENY", rules };
}

/** What a token must contain, negated: each condition matches tokens that lack it, and requests without a token. */
function tokenConditions(jwt: Jwt): AuthorizationCondition[] {
  const claims = Object.entries({ iss: [jwt.issuer], ...jwt.requiredClaims });
  return [
    ...claims.map(([claim, values]) => ({ key: `request.auth.claims[${claim}]`, notValues: values })),
    ...(jwt.audiences === undefined ? [] : [{ key: "request.auth.audiences", notValues: jwt.audiences }]),
  ];
}

/**
 * How tokens are checked, for the whole gateway; undefined if no service asks for one. Istio has one place for all rules of a
 * workload, where of two rules of one issuer only the first would act (istio#19245), so each issuer has one: it accepts what any
 * of its services accepts, and each host's policy refuses the rest.
 */
export function authenticationSpec(
  services: readonly Pick<Service, "access">[],
  gateway: Pick<GatewayRef, "name">,
): RequestAuthenticationSpec | undefined {
  const all = services.flatMap(({ access }) => access?.jwt ?? []);
  const jwtRules = [...grouped(all, ({ issuer }) => issuer).values()].map(jwtRule);
  return jwtRules.length === 0 ? undefined : { targetRefs: [gatewayTarget(gateway)], jwtRules };
}

/** The config check refuses services that have different keys for one issuer. */
function jwtRule(all: readonly [Jwt, ...Jwt[]]): JWTRule {
  const [{ issuer, jwks, jwksUri }] = all;
  const audiences = all.every((jwt) => jwt.audiences !== undefined)
    ? [...new Set(all.flatMap((jwt) => jwt.audiences ?? []))]
    : undefined;
  return {
    issuer,
    audiences,
    jwks: jwks && JSON.stringify(jwks),
    jwksUri,
    // Istio's default also accepts a query parameter, but URLs end up in logs (RFC 9700, section 4.3.2).
    fromHeaders: [{ name: TOKEN_HEADER, prefix: "Bearer " }],
    // Routes of services that do not forward it remove it.
    forwardOriginalToken: all.some(({ forwardOriginalToken }) => forwardOriginalToken),
  };
}

/** Asks an extension provider of the mesh about each request to a host. */
export function externalAuthorizationSpec(
  { host, access }: Service,
  gateway: Pick<GatewayRef, "name">,
): AuthorizationPolicySpec | undefined {
  return (
    access?.externalAuthorization && {
      targetRefs: [gatewayTarget(gateway)],
      action: "CUSTOM",
      provider: { name: access.externalAuthorization.provider },
      rules: [{ to: [{ operation: { hosts: authorities(host) } }] }],
    }
  );
}

/** Requests to hosts that no service has, whoever attached a route for them. */
export function otherHostsSpec(
  services: readonly Service[],
  gateway: Pick<GatewayRef, "name">,
): AuthorizationPolicySpec {
  const hosts = [...new Set(services.map(({ host }) => host))];
  return {
    targetRefs: [gatewayTarget(gateway)],
    action: "DENY",
    rules: [{ to: [{ operation: { notHosts: hosts.flatMap(authorities) } }] }],
  };
}

/** Connections that bypass the trusted proxies and could forge the client's address. */
export function detourSpec(
  clientAddress: ClientAddress | undefined,
  gateway: Pick<GatewayRef, "name">,
): AuthorizationPolicySpec | undefined {
  return (
    clientAddress?.proxyAddresses && {
      targetRefs: [gatewayTarget(gateway)],
      action: "DENY",
      rules: [{ from: [{ source: { notIpBlocks: clientAddress.proxyAddresses } }] }],
    }
  );
}
