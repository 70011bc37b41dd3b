import { conditionsOf } from "../../config/resolve/entrance";
import type { Service } from "../../config";
import type { Jwt } from "../../config/schema/access/jwt";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import { METHODS } from "../../config/schema/routing/match";
import type {
  AuthorizationCondition,
  AuthorizationPolicySpec,
  AuthorizationRule,
  GatewayReference,
} from "../../kinds/authorizationPolicy";
import type { RequestAuthenticationSpec } from "../../kinds/requestAuthentication";

import type { GatewayRef } from "../shared/naming";

/**
 * Specs of the policies that say who may enter.
 *
 * Allow lists are DENY policies for everyone else, not ALLOW policies: one ALLOW policy shuts every other host of the
 * gateway, and several add up, so that anyone's ALLOW policy would open what another closes. A DENY rule stands alone,
 * is looked at first, and grows wider, not narrower, where Istio cannot translate a part of it.
 */

/** Istio takes the Gateway as a target of policies in its own namespace. */
export function gatewayTarget({ name }: Pick<GatewayRef, "name">): GatewayReference {
  return { group: "gateway.networking.k8s.io", kind: "Gateway", name };
}

/**
 * Everything in a Host header that leads to a host: Envoy compares without case, and cuts off what follows the last
 * colon, be it a port or not. `HOST:*` is a prefix. Istio compares without case, too.
 */
export function authorities(host: string): string[] {
  return [host, `${host}:*`];
}

/**
 * Requests that a service's lists of addresses and its JWT refuse; undefined where it has none of these.
 * @param answersPreflights Whether the gateway itself answers every CORS preflight for the host.
 */
export function refusalSpec(
  { host, access }: Service,
  gateway: Pick<GatewayRef, "name">,
  answersPreflights: boolean,
): AuthorizationPolicySpec | undefined {
  const hosts = authorities(host);
  const to = [{ operation: { hosts } }];
  const rules = conditionsOf(access).flatMap((condition): AuthorizationRule[] => {
    switch (condition.type) {
      case "from":
        return [{ from: [{ source: { notRemoteIpBlocks: condition.blocks } }], to }];
      case "not-from":
        return [{ from: [{ source: { remoteIpBlocks: condition.blocks } }], to }];
      case "token":
        // RequestAuthentication lets a request without a token pass, and a token for another service.
        return tokenConditions(condition.jwt).flatMap((when) =>
          answersPreflights ? unlessPreflight(hosts, when) : [{ to, when: [when] }],
        );
      case "external-authorization":
        // A policy of its own: see externalAuthorizationSpec.
        return [];
    }
  });
  return rules.length === 0 ? undefined : { targetRefs: [gatewayTarget(gateway)], action: "DENY", rules };
}

/**
 * A condition on every request but a CORS preflight, which browsers send without a token. What counts as one here is less than
 * what counts as one for Envoy's CORS filter, which answers it, whatever its origin: so none of them gets to a backend.
 */
function unlessPreflight(hosts: readonly string[], condition: AuthorizationCondition): AuthorizationRule[] {
  const to = [{ operation: { hosts } }];
  return [
    { to: [{ operation: { hosts, notMethods: ["OPTIONS"] } }], when: [condition] },
    { to, when: [condition, { key: "request.headers[origin]", notValues: ["http*"] }] },
    { to, when: [condition, { key: "request.headers[access-control-request-method]", notValues: METHODS }] },
  ];
}

/** Whether a CORS filter stands before every backend of a host. */
export function answersPreflights(host: string, services: readonly Service[]): boolean {
  return services.filter((service) => service.host === host).every(({ rules }) => rules.every(({ cors }) => cors));
}

/** What a token must hold; each condition is met by tokens that do not, and by requests without any. */
function tokenConditions(jwt: Jwt): AuthorizationCondition[] {
  const claims = Object.entries({ iss: [jwt.issuer], ...jwt.requiredClaims });
  return [
    ...claims.map(([claim, values]) => ({ key: `request.auth.claims[${claim}]`, notValues: values })),
    ...(jwt.audiences === undefined ? [] : [{ key: "request.auth.audiences", notValues: jwt.audiences }]),
  ];
}

export function authenticationSpec(jwt: Jwt, gateway: Pick<GatewayRef, "name">): RequestAuthenticationSpec {
  const { issuer, jwks, jwksUri, audiences, forwardOriginalToken } = jwt;
  return {
    targetRefs: [gatewayTarget(gateway)],
    jwtRules: [
      {
        issuer,
        audiences,
        jwks: jwks && JSON.stringify(jwks),
        jwksUri,
        // Istio's default takes a query parameter besides: URLs end up in logs (RFC 9700, section 4.3.2).
        fromHeaders: [{ name: "Authorization", prefix: "Bearer " }],
        forwardOriginalToken,
      },
    ],
  };
}

/** Asks a provider of the mesh about each request for a host. */
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

/** Requests for hosts that no service names, whoever attached a route for them. */
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

/** Connections that do not come from the proxies, whose word on the client's address they would forge. */
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
