import type { Rule, Service } from "../config";
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
