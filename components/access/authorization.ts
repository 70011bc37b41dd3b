import type { Service } from "../../config";
import type { Jwt } from "../../config/schema/access/jwt";
import type { ClientAddress } from "../../config/schema/entry/clientAddress";
import { grouped } from "../../config/values/grouped";
import type { Stream } from "../../config/resolve/model";
import type { AuthorizationPolicySpec, AuthorizationRule } from "../../kinds/authorizationPolicy";
import type { JWTRule, RequestAuthenticationSpec } from "../../kinds/requestAuthentication";
import { gatewayTarget } from "../shared/gatewayTarget";
import type { GatewayRef } from "../shared/naming";
import { accessesOf } from "./byAccess";
import { ASK_HEADER, CHECKED_TOKEN_HEADER } from "./credentials";

/** Specs of Istio's own objects, one of each for all services. */

/**
 * How tokens are checked, for the whole gateway; undefined if no service asks for one. Istio has one place for all rules of a
 * workload, where of two rules of one issuer only the first would act (istio#19245), so each issuer has one: it accepts what any
 * of its services accepts, and each host refuses the rest.
 */
export function authenticationSpec(
  services: readonly Pick<Service, "access" | "rules">[],
  gateway: Pick<GatewayRef, "name">,
): RequestAuthenticationSpec | undefined {
  const all = services.flatMap(accessesOf).flatMap((access) => access?.jwt ?? []);
  const jwtRules = [...grouped(all, ({ issuer }) => issuer).values()].map(jwtRule);
  return jwtRules.length === 0 ? undefined : { ...gatewayTarget(gateway), jwtRules };
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
    fromHeaders: [{ name: CHECKED_TOKEN_HEADER, prefix: "Bearer " }],
    // The copy; routes remove the client's own unless the service wants it.
    forwardOriginalToken: false,
  };
}

/** Asks an extension provider of the mesh about requests to the hosts that want it; undefined if none does. */
export function externalAuthorizationSpec(
  services: readonly Pick<Service, "access" | "rules">[],
  gateway: Pick<GatewayRef, "name">,
): AuthorizationPolicySpec | undefined {
  // The config check lets a gateway have one provider.
  const [external] = services.flatMap(accessesOf).flatMap((access) => access?.externalAuthorization ?? []);
  return (
    external && {
      ...gatewayTarget(gateway),
      action: "CUSTOM",
      provider: { name: external.provider },
      rules: [{ when: [{ key: `request.headers[${ASK_HEADER}]`, values: ["*"] }] }],
    }
  );
}

/** Connections that bypass the trusted proxies and could forge the client's address. */
export function detourSpec(
  clientAddress: ClientAddress | undefined,
  gateway: Pick<GatewayRef, "name">,
): AuthorizationPolicySpec | undefined {
  return (
    clientAddress?.proxyAddresses && {
      ...gatewayTarget(gateway),
      action: "DENY",
      rules: [{ from: [{ source: { notIpBlocks: clientAddress.proxyAddresses } }] }],
    }
  );
}

/**
 * Clients whose addresses may not open connections of a stream: Istio checks them before a byte is passed on. By port, or by the server
 * name of the handshake; undefined if everyone may.
 */
export function streamSpec(
  streams: readonly Stream[],
  gateway: Pick<GatewayRef, "name" | "existing">,
): AuthorizationPolicySpec | undefined {
  const rules = streams.flatMap(({ access, protocol, listenPort, listeners }) => {
    const names = listeners.flatMap(({ hostname }) => hostname ?? []);
    const of: AuthorizationRule = {
      to: [{ operation: { ports: [String(listenPort)] } }],
      ...(protocol === "tcp" ? {} : { when: [{ key: "connection.sni", values: names }] }),
    };
    const { allow, deny } = access ?? {};
    return [
      ...(allow === undefined ? [] : [{ from: [{ source: { notRemoteIpBlocks: allow } }], ...of }]),
      ...(deny === undefined ? [] : [{ from: [{ source: { remoteIpBlocks: deny } }], ...of }]),
    ];
  });
  return rules.length === 0 ? undefined : { ...gatewayTarget(gateway), action: "DENY", rules };
}
