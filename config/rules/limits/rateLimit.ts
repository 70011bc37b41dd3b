import type { Problem } from "../../values/problem";
import { type GivenLimit, givenLimits } from "../../resolve/rateLimits";
import { isGlobal, limitName } from "../../schema/limits/rateLimit";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** A Service's name has at most 63 characters; the longest is `GATEWAY--rate-limit-redis`, elsewhere with a hash of ten digits. */
const MAX_GATEWAY_NAME = 63 - "--rate-limit-redis".length;
const MAX_ELSEWHERE = MAX_GATEWAY_NAME - "-0123456789".length;

/** Limits of one service or path that Envoy or the rate limit service could not tell apart. */
export function rateLimitProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap((indexed) => [
    ...givenLimits(indexed).flatMap(repeatedProblems),
    ...(indexed.service.protocol === "grpc" ? givenLimits(indexed).flat().flatMap(statusProblems) : []),
  ]);
}

function repeatedProblems(limits: readonly GivenLimit[]): Problem[] {
  const seen = new Map<string, string>();
  return limits.flatMap(({ at, limit }) => {
    const key = limit.type === "shared" ? `shared/${limit.name}` : isGlobal(limit) ? limitName(limit) : "local";
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, at);
      return [];
    }
    const expected =
      limit.type === "shared"
        ? `a limit other than ${earlier}, which is the same`
        : isGlobal(limit)
          ? `a type or a unit other than that of ${earlier}`
          : `a global type, since ${earlier} is already local: a proxy has one local limit per path`;
    return [{ path: `${at}.type`, value: limit.type, expected }];
  });
}

/** gRPC has statuses of its own. */
function statusProblems({ at, limit }: GivenLimit): Problem[] {
  return limit.type === "shared" || limit.status === undefined
    ? []
    : [
        {
          path: `${at}.status`,
          value: limit.status,
          expected: "not allowed with grpc, whose calls end with a status of gRPC",
        },
      ];
}

/** Names of shared limits that there are not, and limits that nobody shares. */
export function sharedLimitProblems({ services, sharedLimits, hasEveryService }: CheckedStack): Problem[] {
  if (sharedLimits === undefined) {
    return [];
  }
  const uses = services
    .flatMap((indexed) => givenLimits(indexed).flat())
    .flatMap(({ at, limit }) => (limit.type === "shared" ? [{ name: limit.name, path: `${at}.name` }] : []));
  const listed = sharedLimits.length === 0 ? "" : ": " + sharedLimits.join(", ");
  const unused = hasEveryService ? sharedLimits.filter((shared) => uses.every(({ name }) => name !== shared)) : [];
  return [
    ...uses
      .filter(({ name }) => !sharedLimits.includes(name))
      .map(({ name, path }) => ({
        path,
        value: name,
        expected: `the name of a limit in rateLimitService.shared${listed.length > 100 ? "" : listed}`,
      })),
    ...unused.map((name) => ({
      path: `rateLimitService.shared.${name}`,
      value: name,
      expected: `a service with rateLimit: { type: shared, name: ${name} }: without one, nothing is counted`,
    })),
  ];
}

function needsService(indexed: IndexedService): boolean {
  return givenLimits(indexed)
    .flat()
    .some(({ limit }) => limit.type === "shared" || isGlobal(limit));
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
  const isUsed = services.some(needsService);
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
