import type { Rule, Service } from "../config";
import type { Answer } from "./client";

/** Rules of a service that a plain GET of a single path reaches. */
export function plainRules({ rules }: Service): Rule[] {
  return rules.filter(({ type, match = {} }) => type !== "RegularExpression" && Object.keys(match).length === 0);
}

/** Whether the answer is the gateway's own, not a backend's: 403, 404, 429, another of a local limit, or an aborting fault's. */
export function isGatewaysOwn({ status, body }: Answer): boolean {
  return (
    (status === 404 && body === "") || isDenied({ status, body }) || isLimited({ status, body }) || isAborted({ body })
  );
}

/** Whether a limit refused the request: with another status, only Envoy's message for a local one tells. */
export function isLimited({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 429 || body === "local_rate_limited";
}

/** Envoy's message if a fault aborts a request, with any status. */
export function isAborted({ body }: Pick<Answer, "body">): boolean {
  return body === "fault filter abort";
}

/** Envoy's message if an access rule refuses a request. */
export function isDenied({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 403 && body.startsWith("RBAC: ");
}

/** Whether the request was refused, including for lack of a token. */
export function isRefusal({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 401 || isDenied({ status, body });
}
