import { z } from "zod";
import { dnsLabel, headerName, wholeNumber } from "../fields";

const requests = wholeNumber(1, 1_000_000, "requests").describe("Requests that pass in each unit of time.");
/** What becomes of requests beyond a limit. */
const refusal = {
  status: z
    .literal([429, 503], "the status 429 or 503")
    .optional()
    .describe("Status of a refused request: 429 (RFC 6585), or 503, as nginx's limit_req has it. Default: 429."),
  enforce: z
    .boolean("true or false")
    .optional()
    .describe(
      "False only counts what the limit would refuse, for the dashboard: clients notice nothing, and are told of no limit. Default: true.",
    ),
};
const localBucket = {
  requests,
  per: z
    .enum(["second", "minute", "hour", "day"], "second, minute, hour or day")
    .describe("The unit of time. Requests are granted evenly over it."),
  burst: wholeNumber(1, 1_000_000, "requests")
    .optional()
    .describe(
      "Requests that pass at once after a pause; from then on the rate applies. Default: those of a whole unit.",
    ),
  ...refusal,
};
const globalBucket = {
  requests,
  per: z
    .enum(
      ["second", "minute", "hour", "day", "week", "month", "year"],
      "second, minute, hour, day, week, month or year",
    )
    .describe(
      "The unit of time. Counting restarts with each minute, hour or day of the clock (UTC). A week has 7 days, a month 30 and a year 365, counted from Thursday, 1 January 1970.",
    ),
  ...refusal,
};
const header = headerName.describe("Header whose values are counted separately. Requests without it share one limit.");

/** How many clients a proxy keeps apart, the least recently seen leaves first. */
const maxClients = wholeNumber(1, 1_000_000, "clients")
  .default(10_000)
  .describe("Most clients that a proxy counts separately; each takes some memory.");

/** How much of an address tells clients apart. A client with IPv6 usually has a block of 2^64 addresses. */
const prefixLengths = {
  ipv4PrefixLength: wholeNumber(1, 32, "bits")
    .default(32)
    .describe("First bits of an IPv4 address that are counted as one client."),
  ipv6PrefixLength: wholeNumber(1, 128, "bits")
    .default(64)
    .describe("First bits of an IPv6 address that are counted as one client: a client usually has a /64."),
};

const local = z.strictObject({ type: z.literal("local"), ...localBucket });
const localByAddress = z.strictObject({
  type: z.literal("local-by-address"),
  ...localBucket,
  maxClients,
  ...prefixLengths,
});
const localByHeader = z.strictObject({ type: z.literal("local-by-header"), ...localBucket, maxClients, header });
const global = z.strictObject({ type: z.literal("global"), ...globalBucket });
const globalByAddress = z.strictObject({ type: z.literal("global-by-address"), ...globalBucket, ...prefixLengths });
const globalByHeader = z.strictObject({ type: z.literal("global-by-header"), ...globalBucket, header });

const shared = z.strictObject({
  type: z.literal("shared"),
  name: dnsLabel.describe("Name of the limit in rateLimitService.shared."),
});

/** A limit that several services share: one count for all of them. */
export const sharedLimitSchema = z.discriminatedUnion("type", [global, globalByAddress, globalByHeader], {
  error: "one of global, global-by-address, global-by-header",
});

/**
 * A limit of requests; more get 429 with x-ratelimit headers. Local: each gateway proxy counts for itself, and so does
 * each rule of the service: with N proxies up to N times as many come through. Global: one count for the service.
 */
export const rateLimitSchema = z
  .discriminatedUnion("type", [local, localByAddress, localByHeader, global, globalByAddress, globalByHeader, shared], {
    error: "one of local, local-by-address, local-by-header, global, global-by-address, global-by-header, shared",
  })
  .describe(
    "Limit of requests, for all clients, for each address, or for each value of a header. Local: each gateway proxy counts for itself, and for each path. Global: all proxies count together. Shared: a global one that several services have in common.",
  );

const MAX_LIMITS = 8;

const severalLimits = z
  .array(rateLimitSchema, "a list of limits")
  .min(1, "at least one limit")
  .max(MAX_LIMITS, `at most ${MAX_LIMITS} limits`);

/** One limit, or several that all hold. */
export const rateLimitsSchema = z
  .union([rateLimitSchema, severalLimits])
  .describe("A limit of requests, or a list of limits that all apply: at most one local, any number of global ones.");

/** Those of a path. */
export const pathRateLimitsSchema = z
  .union([z.literal(false), rateLimitSchema, severalLimits])
  .describe(
    "Limits of requests to this path, in place of all of the service's; false: none. They count this path alone, unless they are shared. Default: the service's, which count its paths together if they are global.",
  );

/** As they are given, by name where they are shared. */
export type ParsedRateLimits = z.output<typeof rateLimitsSchema>;
export type ParsedRateLimit = z.output<typeof rateLimitSchema>;
export type LocalRateLimit = z.output<typeof local | typeof localByAddress | typeof localByHeader>;
/** `shared`: its name, if other services count with it; `rule`: name of the rule of the path whose own it is, if it is not a service's. */
export type GlobalRateLimit = z.output<typeof sharedLimitSchema> & { readonly shared?: string; readonly rule?: string };
export type RateLimit = LocalRateLimit | GlobalRateLimit;
export type RateLimits = RateLimit | readonly RateLimit[];

export type ByAddress = Extract<RateLimit, { type: "local-by-address" | "global-by-address" }>;

export function isGlobal<T extends ParsedRateLimit | RateLimit>(
  limit: T,
): limit is Extract<T, { type: `global${string}` }> {
  return limit.type.startsWith("global");
}

/** A rule with limits. */
interface Limited {
  readonly rateLimit?: RateLimits;
}

/** A rule's limits as a list. */
export function rateLimitsOf({ rateLimit }: Limited): readonly RateLimit[] {
  return rateLimit === undefined ? [] : [rateLimit].flat();
}

/** Those of all rules of a service, each once: rules without limits of their own have the same. */
export function allRateLimitsOf({ rules }: { readonly rules: readonly Limited[] }): readonly RateLimit[] {
  return [...new Set(rules.flatMap(rateLimitsOf))];
}

/** Limits of a service or a path as they are given. */
export function givenLimitsOf({
  rateLimit,
}: {
  readonly rateLimit?: ParsedRateLimits | false;
}): readonly ParsedRateLimit[] {
  return rateLimit === undefined || rateLimit === false ? [] : [rateLimit].flat();
}

export function localLimitOf(rule: Limited): LocalRateLimit | undefined {
  return rateLimitsOf(rule).find((limit): limit is LocalRateLimit => !isGlobal(limit));
}

export function globalLimitsOf(rule: Limited): readonly GlobalRateLimit[] {
  return rateLimitsOf(rule).filter(isGlobal);
}

/** Whether requests beyond a limit are refused, not only counted. */
export function isEnforced({ enforce }: Pick<RateLimit, "enforce">): boolean {
  return enforce !== false;
}

/** What tells the global limits of a service apart, such as `global-by-header/x-user/hour`. */
export function limitName(limit: GlobalRateLimit): string {
  const of = limit.type === "global-by-header" ? [limit.header.toLowerCase()] : [];
  return [limit.type, ...of, limit.per, ...(isEnforced(limit) ? [] : ["not-enforced"])].join("/");
}
