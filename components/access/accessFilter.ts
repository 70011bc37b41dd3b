import type { Service } from "../../config";
import { type Condition, conditionsOf } from "../../config/resolve/entrance";
import { portsOf } from "../../config/resolve/model";
import { HTTP_PORT, HTTPS_PORT } from "../../config/resolve/protocols";
import type { Access } from "../../config/schema/access/access";
import type { Jwt } from "../../config/schema/access/jwt";
import type { AllowedListeners } from "../../config/schema/entry/allowedListeners";
import { type ClientAddress, tellsClients } from "../../config/schema/entry/clientAddress";
import { withMapped } from "../../config/values/cidr";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { type FilterConfig, cidrRange } from "../shared/envoyTypes";
import { filterByRoute, hostKey, NO_ACTION, NO_HOST } from "../shared/filterByRoute";
import { accessesOf, byAccess } from "./byAccess";
import { ASK_HEADER } from "./credentials";

export interface AccessFilterArgs {
  /** Services with their `access`. Those without it are open to everyone. */
  services: readonly Service[];
  /** What stands between clients and the gateway. */
  clientAddress?: ClientAddress;
  /** True answers 403 to hosts that no service names. */
  denyByDefault: boolean;
  /** Hosts that others bring, for whose rules they answer: `gateway.allowedListeners`. Default: none. */
  allowedListeners?: AllowedListeners;
  /** Hosts that are redirected from plain HTTP, for everybody. Matter only if another is served there. Default: none. */
  redirected?: readonly string[];
}

/**
 * Who may enter each host: Envoy's RBAC filter, behind Istio's own, which have checked tokens and asked the external authorizer by
 * then. Hosts of no service are refused, so that nobody enters where an entry is missing. Empty if everyone may enter everywhere.
 */
export function accessFilterPatches(args: AccessFilterArgs): ConfigPatch[] {
  const { services, clientAddress, denyByDefault, allowedListeners = [], redirected = [] } = args;
  if (!isRestricted(services, denyByDefault)) {
    return [];
  }
  const filters = byAccess(services, "final-rule", (accesses) => refusals(accesses, clientAddress));
  if (services.some((service) => portsOf(service).includes(HTTP_PORT))) {
    redirected.forEach((host) => filters.set(hostKey(host, HTTP_PORT), NO_ACTION));
  }
  if (!denyByDefault) {
    // Nothing is served there: 404.
    filters.set(NO_HOST, NO_ACTION);
  }
  const regex = allowedListeners.flatMap(({ hosts }) => hosts.map(othersHost)).join("|");
  const pattern = regex === "" ? undefined : { regex, filter: NO_ACTION };
  return filterByRoute({ feature: "access", place: "last", by: "host", filters, pattern, otherwise: REFUSE });
}

/** Envoy's name of a host that a ListenerSet may bring, or of all below a wildcard. */
function othersHost(host: string): string {
  return hostKey(host, HTTPS_PORT).replaceAll(".", "\\.").replace("*", ".+");
}

/** Whether somebody may not enter somewhere. */
export function isRestricted(services: readonly Service[], denyByDefault: boolean): boolean {
  return denyByDefault || services.flatMap(accessesOf).some((access) => conditionsOf(access).length > 0);
}

/** Each policy refuses the clients that one condition does not admit. Of several accesses, each has policies of its own. */
function refusals(
  accesses: readonly (Access | undefined)[],
  clientAddress: ClientAddress | undefined,
): FilterConfig | typeof NO_ACTION {
  const policies = accesses.flatMap((access, index) =>
    conditionsOf(access)
      .flatMap((condition) => Object.entries(refused(condition, tellsClients(clientAddress))))
      .map(([name, principal]) => [index === 0 ? name : `${name} ${index + 1}`, principal] as const),
  );
  return policies.length === 0 ? NO_ACTION : deny(Object.fromEntries(policies));
}

/** Clients that a condition refuses, by the key that says so. A proxy may write addresses of IPv4 in the form of IPv6. */
function refused(condition: Condition, isTold: boolean): Record<string, Principal> {
  const from = (blocks: readonly string[]) => anyOf((isTold ? withMapped(blocks) : blocks).map(remoteAddress));
  switch (condition.type) {
    case "from":
      return { allow: not(from(condition.blocks)) };
    case "not-from":
      return { deny: from(condition.blocks) };
    case "token":
      // Istio's filter admits requests without a token, and tokens for other services.
      return Object.fromEntries(
        requirements(condition.jwt).map(({ key, claim, values }) => [`jwt ${key}`, not(hasClaim(claim, values))]),
      );
    case "external-authorization":
      return { externalAuthorization: not({ header: { name: ASK_HEADER, present_match: true } }) };
    case "certificate":
      // Envoy compares URIs and then DNS names of a checked certificate; without one, nobody is admitted.
      return {
        clientCertificate: not(
          anyOf(condition.names.map((exact) => ({ authenticated: { principal_name: { exact } } }))),
        ),
      };
  }
}

/** What a token must contain, by what asks for it: `audiences`, or the name of a claim. Both may ask for `aud`. */
function requirements(jwt: Jwt): { key: string; claim: string; values: readonly string[] }[] {
  const claims = Object.entries({ iss: [jwt.issuer], ...jwt.requiredClaims });
  return [
    ...claims.map(([claim, values]) => ({ key: claim, claim, values })),
    // With a space, which no claim's name has.
    ...(jwt.audiences === undefined ? [] : [{ key: "of audiences", claim: "aud", values: jwt.audiences }]),
  ];
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/rbac/v3/rbac.proto#config-rbac-v3-principal */
type Principal = Readonly<Record<string, unknown>>;

const ANYONE: Principal = { any: true };

function not(principal: Principal): Principal {
  return { not_id: principal };
}

function anyOf(ids: readonly Principal[]): Principal {
  return { or_ids: { ids } };
}

function remoteAddress(block: string): Principal {
  return { remote_ip: cidrRange(block) };
}

/** A claim of the checked token, a text or a list of texts, as Istio's `request.auth.claims` reads it. */
function hasClaim(claim: string, values: readonly string[]): Principal {
  const exact = values.map((value) => ({ string_match: { exact: value } }));
  return {
    sourced_metadata: {
      metadata_source: "DYNAMIC",
      metadata_matcher: {
        filter: "envoy.filters.http.jwt_authn",
        path: ["payload", claim].map((key) => ({ key })),
        value: { or_match: { value_matchers: exact.flatMap((value) => [value, { list_match: { one_of: value } }]) } },
      },
    },
  };
}

function deny(policies: Readonly<Record<string, Principal>>): FilterConfig {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
    rules: {
      action: "DENY",
      policies: Object.fromEntries(
        Object.entries(policies).map(([name, principal]) => [
          name,
          { permissions: [{ any: true }], principals: [principal] },
        ]),
      ),
    },
  };
}

const REFUSE = deny({ "no service": ANYONE });
