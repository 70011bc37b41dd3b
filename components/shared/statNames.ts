/** Names of Envoy's counters, which filters give and the dashboard reads. */

/** Beginning of a service's counters for local limits. No service's name has two dashes. */
export function localLimitPrefix(service: string, isEnforced: boolean): string {
  return isEnforced ? service : `${service}--not-enforced`;
}

/** Within a backend's counters for global limits that are not enforced. They end like the others, which proxies keep. */
export const NOT_ENFORCED_LIMITS = "not_enforced.ratelimit";
