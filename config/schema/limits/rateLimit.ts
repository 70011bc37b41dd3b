import { z } from "zod";
import { headerName, wholeNumber } from "../fields";

const requests = wholeNumber(1, 1_000_000, "requests").describe("Requests that pass in each unit of time.");
const localBucket = {
  requests,
  per: z.enum(["second", "minute", "hour"], "second, minute or hour").describe("The unit of time."),
};
const globalBucket = {
  requests,
  per: z
    .enum(["second", "minute", "hour", "day"], "second, minute, hour or day")
    .describe("The unit of time. Counting restarts with each minute, hour or day of the clock (UTC)."),
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

/**
 * A limit of requests; more get 429 with x-ratelimit headers. Local: each gateway proxy counts for itself, and so does
 * each rule of the service: with N proxies up to N times as many come through. Global: one count for the service.
 */
export const rateLimitSchema = z
  .discriminatedUnion("type", [local, localByAddress, localByHeader, global, globalByAddress, globalByHeader], {
    error: "one of local, local-by-address, local-by-header, global, global-by-address, global-by-header",
  })
  .describe(
    "Limit of requests, for all clients, for each address, or for each value of a header. Local: each gateway proxy counts for itself, and for each path. Global: all proxies count together.",
  );

const MAX_LIMITS = 8;

/** One limit, or several that all hold. */
export const rateLimitsSchema = z
  .union([
    rateLimitSchema,
    z
      .array(rateLimitSchema, "a list of limits")
      .min(1, "at least one limit")
      .max(MAX_LIMITS, `at most ${MAX_LIMITS} limits`),
  ])
  .describe("A limit of requests, or a list of limits that all apply: at most one local, any number of global ones.");

export type RateLimits = z.output<typeof rateLimitsSchema>;
export type RateLimit = z.output<typeof rateLimitSchema>;
export type LocalRateLimit = Extract<RateLimit, { type: "local" | "local-by-address" | "local-by-header" }>;
export type GlobalRateLimit = Exclude<RateLimit, LocalRateLimit>;

export type ByAddress = Extract<RateLimit, { type: "local-by-address" | "global-by-address" }>;

export function isGlobal(limit: RateLimit): limit is GlobalRateLimit {
  return limit.type.startsWith("global");
}

/** A service's limits as a list. */
export function rateLimitsOf({ rateLimit }: { readonly rateLimit?: RateLimits }): readonly RateLimit[] {
  return rateLimit === undefined ? [] : [rateLimit].flat();
}

export function localLimitOf(service: { readonly rateLimit?: RateLimits }): LocalRateLimit | undefined {
  return rateLimitsOf(service).find((limit): limit is LocalRateLimit => !isGlobal(limit));
}

export function globalLimitsOf(service: { readonly rateLimit?: RateLimits }): readonly GlobalRateLimit[] {
  return rateLimitsOf(service).filter(isGlobal);
}

/** What tells the global limits of a service apart, such as `global-by-header/x-user/hour`. */
export function limitName(limit: GlobalRateLimit): string {
  const of = limit.type === "global-by-header" ? [limit.header.toLowerCase()] : [];
  return [limit.type, ...of, limit.per].join("/");
}
