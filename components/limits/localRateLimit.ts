import type { Service } from "../../config";
import { type ClientAddress, tellsClients } from "../../config/schema/entry/clientAddress";
import { isEnforced, localLimitOf, type LocalRateLimit } from "../../config/schema/limits/rateLimit";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { type FilterConfig, percentage } from "../shared/envoyTypes";
import { byRule, filterByRoute } from "../shared/filterByRoute";
import { localLimitPrefix } from "../shared/statNames";
import { byAddress, byHeader } from "./clientDescriptors";

const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

/** Limits that each gateway proxy counts separately, with a bucket for each rule. Empty if no service has a limit. */
export function localRateLimitPatches(services: readonly Service[], clientAddress?: ClientAddress): ConfigPatch[] {
  const filters = byRule(services, (rule, service) => {
    const limit = localLimitOf(rule);
    // Counted per service: the prefix becomes part of the counters' names.
    return (
      limit && {
        ...localRateLimit(limit, clientAddress),
        stat_prefix: localLimitPrefix(service.name, isEnforced(limit)),
      }
    );
  });
  return filterByRoute({ feature: "local-rate-limit", place: "last", by: "rule", filters });
}

const [ALWAYS, NEVER] = [100, 0].map((share) => ({ default_value: percentage(share) }));

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto */
export function localRateLimit(limit: LocalRateLimit, clientAddress?: ClientAddress): FilterConfig {
  const bucket = {
    max_tokens: limit.burst ?? limit.requests,
    tokens_per_fill: limit.requests,
    fill_interval: `${SECONDS[limit.per]}s`,
  };
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    stat_prefix: "local_rate_limit",
    token_bucket: bucket,
    filter_enabled: ALWAYS,
    ...(isEnforced(limit)
      ? { filter_enforced: ALWAYS, enable_x_ratelimit_headers: "DRAFT_VERSION_03" }
      : { filter_enforced: NEVER }),
    ...(limit.status === undefined ? {} : { status: { code: limit.status } }),
    // Not UNAVAILABLE, which gRPC clients retry at once.
    rate_limited_as_resource_exhausted: true,
    ...byClient(limit, bucket, clientAddress),
  };
}

/** A descriptor's entry without a value matches every value, each with its own bucket. */
function byClient(
  limit: LocalRateLimit,
  bucket: Record<string, unknown>,
  clientAddress: ClientAddress | undefined,
): Record<string, unknown> {
  if (limit.type === "local") {
    return {};
  }
  const clients =
    limit.type === "local-by-address" ? byAddress(limit, tellsClients(clientAddress)) : [byHeader(limit.header)];
  return {
    rate_limits: clients.map(({ actions }) => ({ actions })),
    descriptors: clients.map(({ entries }) => ({ entries, token_bucket: bucket })),
    max_dynamic_descriptors: limit.maxClients,
    // The rule's own bucket is for requests that no descriptor matches.
    always_consume_default_token_bucket: false,
  };
}
