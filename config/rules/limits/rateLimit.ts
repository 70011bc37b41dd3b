import type { Problem } from "../../values/problem";
import { globalLimitsOf, isGlobal, limitName, rateLimitsOf } from "../../schema/limits/rateLimit";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** A Service's name has at most 63 characters; the longest is `GATEWAY--rate-limit-redis`, elsewhere with a hash of ten digits. */
const MAX_GATEWAY_NAME = 63 - "--rate-limit-redis".length;
const MAX_ELSEWHERE = MAX_GATEWAY_NAME - "-0123456789".length;

/** Limits of one service that Envoy or the rate limit service could not tell apart. */
export function rateLimitProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap(ofService);
}

function ofService({ index, service }: IndexedService): Problem[] {
  const seen = new Map<string, number>();
  return rateLimitsOf(service).flatMap((limit, place) => {
    const key = isGlobal(limit) ? limitName(limit) : "local";
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, place);
      return [];
    }
    const at = `services[${index}].rateLimit`;
    const expected = isGlobal(limit)
      ? `a type or a unit other than that of ${at}[${earlier}]`
      : `a global type, since ${at}[${earlier}] is already local: a proxy has one local limit per path`;
    return [{ path: `${at}[${place}].type`, value: limit.type, expected }];
  });
}

/** Rules between global limits and the rate limit service. */
export function rateLimitServiceProblems({
  gateway,
  rateLimitService,
  services,
  hasEveryService,
  isSecret,
}: CheckedStack): Problem[] {
  const problems: Problem[] = [];
  const isUsed = services.some(({ service }) => globalLimitsOf(service).length > 0);
  if (rateLimitService !== undefined && !isUsed && hasEveryService) {
    const expected = "a service with a global rate limit: without one, the key has no effect";
    problems.push({ path: "rateLimitService", value: rateLimitService, expected });
  }
  if (isUsed && gateway !== undefined) {
    const isElsewhere = (rateLimitService?.namespace ?? gateway.namespace) !== gateway.namespace;
    const [most, where] = isElsewhere ? [MAX_ELSEWHERE, ", counted in another namespace"] : [MAX_GATEWAY_NAME, ""];
    if (gateway.name.length > most) {
      const expected = `at most ${most} characters if a service has a global rate limit${where}: its Services are named after the gateway`;
      problems.push({ path: "gateway.name", value: gateway.name, expected });
    }
  }
  const redis = rateLimitService?.redis;
  if (redis?.type === "external" && redis.password !== undefined && !isSecret("rateLimitService.redis.password")) {
    const expected = "a Pulumi secret: pulumi config set --secret --path …";
    problems.push({ path: "rateLimitService.redis.password", value: redis.password, expected });
  }
  return problems;
}
