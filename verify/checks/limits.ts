import { randomUUID } from "node:crypto";
import { ownName } from "../../components/shared/naming";
import type { Service } from "../../config";
import { httpsUrl } from "../../config/resolve/protocols";
import { rateLimitsOf, type RateLimit } from "../../config/schema/limits/rateLimit";
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
const MILLISECONDS = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** Sends each limited service so many requests that its lowest limit refuses one. One service after the other, and last. */
export async function checkLimits({ config, route }: Target): Promise<Row[]> {
  const rows: Row[] = [];
  for (const service of config.services) {
    const [rule] = plainRules(service);
    const limit = lowestLimit(service);
    if (rule === undefined || limit === undefined) {
      continue;
    }
    const url = `${httpsUrl(sampleOf(service.host), service.listenPort)}${rule.path}`;
    const what = `${url} allows ${limit.requests} requests per ${limit.per}`;
    const reason = whyNot(service, limit);
    rows.push(
      reason === undefined ? await tryLimit(url, what, limit, { config, route }) : skipped("limits", what, reason),
    );
  }
  return rows;
}

export function lowestLimit(service: Pick<Service, "rateLimit">): RateLimit | undefined {
  return [...rateLimitsOf(service)].sort((a, b) => a.requests - b.requests)[0];
}

/** Why a limit should not be tested; undefined if it may be. */
export function whyNot({ protocol }: Pick<Service, "protocol">, limit: RateLimit): string | undefined {
  const { type, requests, per } = limit;
  if (protocol === "grpc") {
    return "gRPC calls are not tested";
  }
  if (requests > MOST_REQUESTS) {
    return `not tested: it takes more than ${MOST_REQUESTS} requests`;
  }
  const isBlock = "ipv4PrefixLength" in limit && limit.ipv4PrefixLength < WHOLE_IPV4_ADDRESS;
  const isShared = type === "local" || type === "global" || isBlock;
  return isShared && (per === "hour" || per === "day")
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
  let sent = 0;
  for (let count = 0; count < BURSTS; count++) {
    const { statuses, limited, tookMs, error } = await burst(url, limit.requests + MARGIN, { ...route, headers });
    sent += statuses.length;
    if (limited) {
      return row("limits", what, true, `429 after ${sent - statuses.filter((status) => status === 429).length}`);
    }
    if (error !== undefined || statuses.length === 0) {
      return row("limits", what, false, error ?? "no answer", { cause: "the connection broke" });
    }
    if (statuses.every((status) => status === 401 || status === 403)) {
      return skipped("limits", what, "this client is refused before it is counted");
    }
    if (tookMs > MILLISECONDS[limit.per]) {
      return skipped("limits", what, `${statuses.length} requests took longer than a ${limit.per}`);
    }
  }
  const kind = limit.type.startsWith("global") ? "global" : "local";
  return row("limits", what, false, `${sent} requests, no 429`, {
    cause:
      kind === "global"
        ? "the limit is not in force or not counted: the rate limit service does not answer, and failureMode is open"
        : "the limit is not in force",
    more: `kubectl get envoyfilter ${ownName(config.gateway, `${kind}-rate-limit`)} -n ${config.gateway.namespace} -o yaml`,
  });
}
