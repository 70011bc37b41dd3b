import {
  givenLimitsOf,
  isGlobal,
  type ParsedRateLimit,
  type ParsedRateLimits,
  type RateLimit,
  type RateLimits,
} from "../schema/limits/rateLimit";
import type { IndexedService } from "../schema/service";
import type { RateLimitServiceConfig } from "../schema/limits/rateLimitService";

/** A limit as it is given, and its key path. */
export interface GivenLimit {
  readonly at: string;
  readonly limit: ParsedRateLimit;
}

/** The limits of a service, and those of each of its paths that has some: each list holds as a whole. */
export function givenLimits({ index, service }: IndexedService): GivenLimit[][] {
  const at = `services[${index}]`;
  const places = [
    { at: `${at}.rateLimit`, ...service },
    ...service.paths.map((path, place) => ({ ...path, at: `${at}.paths[${place}].rateLimit` })),
  ];
  return places.map(({ at: key, rateLimit }) =>
    givenLimitsOf({ rateLimit }).map((limit, place) => ({
      at: Array.isArray(rateLimit) ? `${key}[${place}]` : key,
      limit,
    })),
  );
}

/**
 * Limits with those written out that are given by name. The config check refuses a name that is none; here it is no limit.
 * @param rule Name of the rule of the path that has them. Default: the service has.
 */
export function resolveRateLimits(
  rateLimit: ParsedRateLimits | false | undefined,
  service: Pick<RateLimitServiceConfig, "shared"> | undefined,
  rule?: string,
): RateLimits | undefined {
  const limits = givenLimitsOf({ rateLimit }).flatMap((limit): RateLimit[] => {
    if (limit.type !== "shared") {
      return [rule !== undefined && isGlobal(limit) ? { ...limit, rule } : limit];
    }
    const named = service?.shared?.[limit.name];
    return named === undefined ? [] : [{ ...named, shared: limit.name }];
  });
  return Array.isArray(rateLimit) ? limits : limits[0];
}
