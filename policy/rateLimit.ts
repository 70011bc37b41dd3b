import { limitsNamespace } from "../components/limits/rateLimitDescriptors";
import { actsOn, type FilterConfig, patchesOf } from "./envoyFilter";
import { isKind, objectName, type Resource, type StackPolicy, type Violation } from "./policy";
import { isProduction, PRODUCTION_SETTINGS, type ProductionConfig } from "./production";
import { GATEWAY_API, specOf } from "./routes";

interface LimitConfig extends ProductionConfig {
  exceptions: string[];
}

const SETTINGS = {
  ...PRODUCTION_SETTINGS,
  exceptions: {
    type: "array",
    items: { type: "string" },
    description: "Routes, as NAMESPACE/NAME, that need no rate limit.",
    default: [],
  },
} as const;

/** Where it is said which of the rate limit service's counters refuse a request. */
const COUNTERS = ([429, 503] as const).map(limitsNamespace);

/** Whether a filter refuses requests, or says which of the rate limit service's counters do. */
function isLimit({ "@type": type = "", metadata = [], filter_enforced: enforced }: FilterConfig): boolean {
  const counters = (metadata as Metadata[]).filter((entry) => COUNTERS.includes(entry.metadata_namespace ?? ""));
  return (
    (type.endsWith(".LocalRateLimit") && (enforced as Enforced | undefined)?.default_value?.numerator !== 0) ||
    (type.endsWith(".set_metadata.v3.Config") && counters.some(({ value = {} }) => Object.keys(value).length > 0))
  );
}

/** Share of the requests that Envoy's local limit refuses; it refuses all if nothing is said, in a filter of this program. */
interface Enforced {
  default_value?: { numerator?: number };
}

/** What Envoy's filter `set_metadata` sets. */
interface Metadata {
  metadata_namespace?: string;
  value?: object;
}

/** Names of rules that have a rate limit, local or global. */
function limitedRules(resources: readonly Resource[]): Set<string> {
  const filters = resources.flatMap(patchesOf).flatMap(actsOn);
  return new Set(filters.filter(([, filter]) => isLimit(filter)).map(([rule]) => rule));
}

/** Routes with a rule that forwards requests without a limit. */
function unlimited(resources: readonly Resource[], { exceptions }: LimitConfig): (Violation & Pick<Resource, "urn">)[] {
  const limited = limitedRules(resources);
  return resources
    .filter((resource) => isKind(resource, GATEWAY_API, "HTTPRoute", "GRPCRoute"))
    .filter((resource) => !exceptions.includes(objectName(resource)))
    .flatMap((resource) => {
      const rules = (specOf(resource).rules ?? []).filter(({ backendRefs = [] }) => backendRefs.length > 0);
      const open = rules.filter(({ name }) => name === undefined || !limited.has(name));
      const names = open.map(({ name = "a rule" }) => name).join(", ");
      return open.length === 0
        ? []
        : [{ urn: resource.urn, message: `${objectName(resource)} has no rate limit on ${names}: set rateLimit.` }];
    });
}

export const serviceLimit: StackPolicy<LimitConfig> = {
  name: "service-limit",
  description: "Every service has a rate limit.",
  level: "advisory",
  settings: SETTINGS,
  checkStack: (resources, config) => unlimited(resources, config).filter((route) => !isProduction(route, config)),
};

export const serviceLimitInProduction: StackPolicy<LimitConfig> = {
  name: "service-limit-in-production",
  description: "In production, every service has a rate limit.",
  level: "mandatory",
  settings: SETTINGS,
  checkStack: (resources, config) => unlimited(resources, config).filter((route) => isProduction(route, config)),
};
