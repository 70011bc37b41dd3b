import { PAGE_HEADER, PAGE_SERVER } from "../components/entry/errorPages";
import type { Rule, Service } from "../config";
import { answerInWords } from "../config/resolve/answers";
import type { Redirect } from "../config/schema/routing/answers";
import { covers } from "../config/values/cidr";
import type { Answer } from "./client";

/** Rules of a service that a plain GET of a single path reaches. */
export function plainRules({ rules }: Service): Rule[] {
  return rules.filter(({ type, match = {} }) => type !== "RegularExpression" && Object.keys(match).length === 0);
}

/** Whether the answer is the gateway's own: 403, 404, 429, another of a local limit, an aborting fault's, or one with an error page. */
export function isGatewaysOwn(answer: Answer): boolean {
  const isMissing = answer.status === 404 && answer.body === "";
  return isMissing || isDenied(answer) || isLimited(answer) || isAborted(answer) || isPage(answer);
}

/** Whether a limit refused the request: with another status, only Envoy's message for a local one tells. */
export function isLimited({ status, body }: Pick<Answer, "status" | "body">): boolean {
  return status === 429 || body === "local_rate_limited";
}

/** Whether the answer has one of errorPages in place of Envoy's message. */
export function isPage({ headers }: Pick<Answer, "headers">): boolean {
  return headers[PAGE_HEADER] === PAGE_SERVER;
}

/**
 * What the gateway answers in place of a rule's backends, in words, and whether this is it; undefined if backends answer, or may.
 * @param from Address of the client; undefined if it is not known.
 */
export function ownAnswer(
  rule: Rule,
  { status, headers }: Pick<Answer, "status" | "headers">,
  from: string | undefined,
): { words: string; isGiven: boolean } | undefined {
  const { redirect, respond, deny, maintenance } = rule;
  if (maintenance !== undefined) {
    const { allow } = maintenance;
    const mayPass = allow !== undefined && (from === undefined || allow.some((block) => covers(block, from)));
    return mayPass ? undefined : { words: "is in maintenance", isGiven: status === 503 && "retry-after" in headers };
  }
  const wanted = redirect ?? respond ?? deny;
  return (
    wanted && {
      words: answerInWords(rule) ?? "",
      isGiven: status === wanted.status && (redirect === undefined || leadsTo(redirect, headers.location)),
    }
  );
}

function leadsTo({ host, path, prefix }: Redirect, location: string | undefined): boolean {
  const { hostname, pathname } = new URL(location ?? "none:");
  return (
    (host === undefined || hostname === host) &&
    (path === undefined || pathname === path) &&
    (prefix === undefined || pathname.startsWith(prefix.replace(/\/+$/, "")))
  );
}

/** Envoy's message if a fault aborts a request, with any status. */
export function isAborted({ body }: Pick<Answer, "body">): boolean {
  return body === "fault filter abort";
}

/** Envoy's message if an access rule refuses a request, or a page in its place. */
export function isDenied({ status, body, headers }: Pick<Answer, "status" | "body" | "headers">): boolean {
  return status === 403 && (body.startsWith("RBAC: ") || isPage({ headers }));
}

/** Whether the request was refused, including for lack of a token. */
export function isRefusal(answer: Pick<Answer, "status" | "body" | "headers">): boolean {
  return answer.status === 401 || isDenied(answer);
}
