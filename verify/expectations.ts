import type { Rule, Service } from "../config";
import { covers } from "../config/values/cidr";
import type { Answer } from "./client";

/** Rules of a service that a plain GET of their path takes, and whose path is one. */
export function plainRules({ rules }: Service): Rule[] {
  return rules.filter(({ type, match = {} }) => type !== "RegularExpression" && Object.keys(match).length === 0);
}

/** 403, 404 and 429 of the gateway itself, before any backend. */
export function isGatewaysOwn({ status, body }: Answer): boolean {
  return (status === 404 && body === "") || isDenied({ status, body }) || status === 429;
}

/** Envoy's own words where an access rule refuses a request. */
export function isDenied({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 403 && body.startsWith("RBAC: ");
}

/** A service asks for a token. */
export function isRefusal({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 401 || isDenied({ status, body });
}

/**
 * What a service's own access makes of a client without credentials, by the address that it looks from; `unknown` where
 * that address, or another's decision, would have to be known.
 */
export function admission({ access = {} }: Pick<Service, "access">, from: string | undefined) {
  const { allow, deny = [], jwt, externalAuthorization } = access;
  const holds = (blocks: readonly string[]) => from !== undefined && blocks.some((block) => covers(block, from));
  if (jwt !== undefined || holds(deny) || (from !== undefined && allow !== undefined && !holds(allow))) {
    return "refused";
  }
  const depends = from === undefined && (allow !== undefined || deny.length > 0);
  return depends || externalAuthorization !== undefined ? "unknown" : "admitted";
}
