import { globalLimitsOf } from "../schema/limits/rateLimit";
import { rateLimitServiceSchema } from "../schema/limits/rateLimitService";
import type { ParsedStack } from "../schema/stack";
import { domainsOf } from "./domains";
import { fieldUses } from "./fieldUses";
import { merged } from "./certificates";
import { resolveListeners, resolvePlainListeners } from "./listeners";
import type { Service, StackConfig } from "./model";
import { type FindService, namedPorts, portNumber } from "./namedPorts";
import { resolveService } from "./service";
import { isStream } from "./protocols";
import { resolveStreams } from "./streams";

/** Fills in every default that depends on another value. */
export function resolveStack(parsed: ParsedStack, findService: FindService): StackConfig {
  const { mtls, kubernetes, protect, adopt } = parsed;
  const rendering = kubernetes.renderDirectory !== undefined;
  const indexed = parsed.services.map((service, index) => ({ index, service }));
  const domains = domainsOf(parsed);
  const requested = parsed.services.filter((service) => !isStream(service));
  const services = requested.map((service) => resolveService(service, { ...parsed, domains }));
  const { listeners, certificates } = resolveListeners({ ...parsed, services: requested });
  const streamed = resolveStreams(parsed);
  return {
    domains: domains.map(({ domain }) => domain),
    // Rendered YAML has no status to wait for, and no use for Pulumi's annotations.
    gateway: rendering ? { ...parsed.gateway, programmedTimeout: "0s" } : parsed.gateway,
    listeners,
    plainListeners: resolvePlainListeners(services),
    certificates: merged([...certificates, ...streamed.certificates]),
    streams: streamed.streams,
    services,
    denyByDefault: parsed.defaults.denyByDefault,
    mtls,
    rateLimitService: resolveRateLimitService(parsed, services),
    telemetry: parsed.telemetry,
    kubernetes: { ...kubernetes, adopt },
    fieldUses: fieldUses({ ...parsed, services: indexed }),
    namedPorts: indexed
      .flatMap(namedPorts)
      .map((port) => ({ ...port, number: portNumber(port, findService(port) ?? {}) })),
    protect,
  };
}

/** The rate limit service, with its namespace; undefined if there is no global limit. */
function resolveRateLimitService(
  { gateway, rateLimitService }: ParsedStack,
  services: readonly Service[],
): StackConfig["rateLimitService"] {
  if (services.every(({ rules }) => rules.every((rule) => globalLimitsOf(rule).length === 0))) {
    return undefined;
  }
  const given = rateLimitService ?? rateLimitServiceSchema.parse({});
  return { ...given, namespace: given.namespace ?? gateway.namespace };
}
