import { givenLimitsOf, type ParsedRateLimits, type RateLimit, type RateLimits } from "../schema/limits/rateLimit";
import type { RateLimitServiceConfig } from "../schema/limits/rateLimitService";

/** Limits with those written out that are given by name. The config check refuses a name that is none; here it is no limit. */
export function resolveRateLimits(
  rateLimit: ParsedRateLimits | undefined,
  service: Pick<RateLimitServiceConfig, "shared"> | undefined,
): RateLimits | undefined {
  const limits = givenLimitsOf({ rateLimit }).flatMap((limit): RateLimit[] => {
    if (limit.type !== "shared") {
      return [limit];
    }
    const named = service?.shared?.[limit.name];
    return named === undefined ? [] : [{ ...named, shared: limit.name }];
  });
  return Array.isArray(rateLimit) ? limits : limits[0];
}
