import { randomUUID } from "node:crypto";
import { ownName } from "../../components/shared/naming";
import type { Rule, Service } from "../../config";
import { httpsUrl } from "../../config/resolve/protocols";
import { isEnforced, isGlobal, rateLimitsOf, type RateLimit } from "../../config/schema/limits/rateLimit";
import { burst } from "../burst";
import { plainRules } from "../expectations";
import { sampleOf } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Largest limit that is tested: more requests would be a load test. */
export const MOST_REQUESTS = 200;
/** Requests above the limit. */
const MARGIN = 10;
/** The time unit may end in the middle of the first. */
const BURSTS = 2;
const WHOLE_IPV4_ADDRESS = 32;
const DAY = 86_400_000;
const MILLISECONDS = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
  year: 365 * DAY,
} as const;

/**
 * Sends each limited service, and each path with limits of its own, so many requests that its lowest limit refuses one. One after the
 * other, and last.
 */
export async function checkLimits({ config, route }: Target): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { service, rule, limit } of config.services.flatMap(limitedRules)) {
    const url = `${httpsUrl(sampleOf(service.host), service.listenPort)}${rule.path}`;
    const atOnce = mostAtOnce(limit) === limit.requests ? "" : `, ${mostAtOnce(limit)} at once`;
    const what = `${url} allows ${limit.requests} requests per ${limit.per}${atOnce}`;
    const reason = whyNot(service, limit);
    rows.push(
      reason === undefined ? await tryLimit(url, what, limit, { config, route }) : skipped("limits", what, reason),
    );
  }
  return rows;
}

/** The first rule with each limit that refuses a client first: the service's, and those of paths. */
export function limitedRules(service: Service): { service: Service; rule: Rule; limit: RateLimit }[] {
  const limited = plainRules(service).flatMap((rule) => {
    const limit = lowestLimit(rule);
    return limit === undefined ? [] : [{ service, rule, limit }];
  });
  return limited.filter(({ limit }, index) => limited.findIndex((other) => other.limit === limit) === index);
}

/** The limit that refuses a client first; one that is not enforced refuses nobody. */
export function lowestLimit(rule: Pick<Rule, "rateLimit">): RateLimit | undefined {
  return rateLimitsOf(rule)
    .filter(isEnforced)
    .sort((a, b) => mostAtOnce(a) - mostAtOnce(b))[0];
}

/** Requests that pass after a pause. */
function mostAtOnce(limit: RateLimit): number {
  return isGlobal(limit) ? limit.requests : (limit.burst ?? limit.requests);
}

/** Requests that pass in a time. Units of a global limit begin by the clock: it may touch one more. Unit: milliseconds. */
function mostIn(time: number, limit: RateLimit): number {
  const units = time / MILLISECONDS[limit.per];
  return isGlobal(limit) ? limit.requests * (2 + Math.floor(units)) : mostAtOnce(limit) + limit.requests * units;
}

/** Why a limit should not be tested; undefined if it may be. */
export function whyNot({ protocol }: Pick<Service, "protocol">, limit: RateLimit): string | undefined {
  const { type, per } = limit;
  if (protocol === "grpc") {
    return "gRPC calls are not tested";
  }
  if (mostAtOnce(limit) > MOST_REQUESTS) {
    return `not tested: it takes more than ${MOST_REQUESTS} requests`;
  }
  const isBlock = "ipv4PrefixLength" in limit && limit.ipv4PrefixLength < WHOLE_IPV4_ADDRESS;
  const isShared = type === "local" || type === "global" || isBlock;
  return isShared && per !== "second" && per !== "minute"
    ? `not tested: every client${isBlock ? " of its block" : ""} shares it and would be refused until the ${per} is over`
    : undefined;
}

async function tryLimit(
  url: string,
  what: string,
  limit: RateLimit,
  { config, route }: Pick<Target, "config" | "route">,
): Promise<Row> {
  // A unique client: nobody else's limit is used up.
  const headers = "header" in limit ? { [limit.header.toLowerCase()]: `verify-${randomUUID()}` } : {};
  const { status = 429 } = limit;
  let sent = 0;
  let took = 0;
  for (let count = 0; count < BURSTS; count++) {
    const most = mostAtOnce(limit) + MARGIN;
    const { statuses, limited, tookMs, error } = await burst(url, most, status, { ...route, headers });
    sent += statuses.length;
    took += tookMs;
    if (limited) {
      return row("limits", what, true, `${status} after ${sent - statuses.filter((got) => got === status).length}`);
    }
    if (error !== undefined || statuses.length === 0) {
      return row("limits", what, false, error ?? "no answer", { cause: "the connection broke" });
    }
    if (statuses.every((got) => got === 401 || got === 403)) {
      return skipped("limits", what, "this client is refused before it is counted");
    }
  }
  if (sent <= mostIn(took, limit)) {
    return skipped("limits", what, `${sent} requests in ${Math.ceil(took / 1000)} s were too few`);
  }
  const kind = isGlobal(limit) ? "global" : "local";
  return row("limits", what, false, `${sent} requests, no ${status}`, {
    cause:
      kind === "global"
        ? "the limit is not in force or not counted: the rate limit service does not answer, and failureMode is open"
        : "the limit is not in force",
    more: `kubectl get envoyfilter ${ownName(config.gateway, `${kind}-rate-limit`)} -n ${config.gateway.namespace} -o yaml`,
  });
}
