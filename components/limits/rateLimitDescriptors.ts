import type { Service } from "../../config";
import { globalLimitsOf, type GlobalRateLimit, limitName } from "../../config/schema/limits/rateLimit";
import { type ClientAddress, tellsClients } from "../../config/schema/entry/clientAddress";
import { grouped } from "../../config/values/grouped";
import { filterName } from "../shared/filterByRoute";
import { type GatewayRef, qualifiedName } from "../shared/naming";
import { byAddress, byHeader, type ClientDescriptor } from "./clientDescriptors";

/**
 * Both ends of a global limit: what Envoy sends about a request, and what the service counts. A descriptor consists of the
 * service, the limit and the client:
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/other_features/global_rate_limiting
 */

/** Which clients share a counter: the descriptor's last entries. */
function clientsOf(limit: GlobalRateLimit, isTold: boolean): ClientDescriptor[] {
  if (limit.type === "global") {
    return [{ entries: [{ key: "client", value: "any" }], actions: [genericKey("client", "any")] }];
  }
  if (limit.type === "global-by-address") {
    return byAddress(limit, isTold);
  }
  const name = limit.header.toLowerCase();
  return [
    byHeader(limit.header),
    {
      // Without the header, the action above yields no descriptor, and nothing would be counted.
      entries: [{ key: "client_without", value: name }],
      actions: [
        {
          header_value_match: {
            descriptor_key: "client_without",
            descriptor_value: name,
            expect_match: false,
            headers: [{ name, present_match: true }],
          },
        },
      ],
    },
  ];
}

function genericKey(key: string, value: string): Record<string, unknown> {
  return { generic_key: { descriptor_key: key, descriptor_value: value } };
}

/** Namespace of the metadata that says which limits a request has. */
export const LIMITS_METADATA = filterName("limits");

/**
 * A service's limits, by the slot that counts them: `rateLimits` has an entry for each slot, which takes the service and the limit
 * from here. Two limits that tell clients apart in the same way have different slots.
 */
export function limitsMetadata(service: Service): Record<string, { service: string; limit: string }> {
  return Object.fromEntries(
    slots(service).map(([slot, limit]) => [slot, { service: service.name, limit: limitName(limit) }]),
  );
}

/** `rate_limits` for all requests: a request without a limit in a slot has no descriptor of it. */
export function rateLimits(services: readonly Service[], clientAddress?: ClientAddress): Record<string, unknown>[] {
  return [...new Map(services.flatMap(slots))].flatMap(([slot, limit]) =>
    clientsOf(limit, tellsClients(clientAddress)).map(({ actions }) => ({
      actions: [fromMetadata(slot, "service"), fromMetadata(slot, "limit"), ...actions],
    })),
  );
}

/** Each limit of a service, with a slot of its own, named after what tells clients apart. */
function slots(service: Service): [slot: string, limit: GlobalRateLimit][] {
  const kinds = [...grouped(globalLimitsOf(service), kindOf)];
  return kinds.flatMap(([kind, limits]) =>
    limits.map((limit, index): [string, GlobalRateLimit] => [`${kind} ${index + 1}`, limit]),
  );
}

function kindOf(limit: GlobalRateLimit): string {
  switch (limit.type) {
    case "global":
      return "any";
    case "global-by-address":
      return `address ${limit.ipv4PrefixLength} ${limit.ipv6PrefixLength}`;
    case "global-by-header":
      return `header ${limit.header.toLowerCase()}`;
  }
}

function fromMetadata(slot: string, key: "service" | "limit"): Record<string, unknown> {
  const path = [slot, key].map((segment) => ({ key: segment }));
  return { metadata: { descriptor_key: key, metadata_key: { key: LIMITS_METADATA, path }, source: "DYNAMIC" } };
}

/** https://github.com/envoyproxy/ratelimit#configuration */
export interface RateLimitConfig {
  domain: string;
  descriptors: Descriptor[];
}

interface Descriptor {
  key: string;
  value?: string;
  rate_limit?: { unit: string; requests_per_unit: number };
  descriptors?: Descriptor[];
}

/** Separates gateways that share a Redis. */
export function rateLimitDomain(gateway: GatewayRef): string {
  return qualifiedName(gateway);
}

/** What the service counts. */
export function rateLimitConfig(services: readonly Service[], gateway: GatewayRef): RateLimitConfig {
  const limited = services.filter((service) => globalLimitsOf(service).length > 0);
  return {
    domain: rateLimitDomain(gateway),
    descriptors: limited.map((service) => ({
      key: "service",
      value: service.name,
      descriptors: globalLimitsOf(service).map((limit) => ({
        key: "limit",
        value: limitName(limit),
        // Whatever the routes send.
        descriptors: clientsOf(limit, true).map(({ entries }) =>
          nested(entries, { unit: limit.per, requests_per_unit: limit.requests }),
        ),
      })),
    })),
  };
}

/** Each entry within the one before, and the limit in the last. */
function nested(entries: ClientDescriptor["entries"], limit: Descriptor["rate_limit"]): Descriptor {
  const [first, ...rest] = entries as [ClientDescriptor["entries"][number], ...ClientDescriptor["entries"]];
  return rest.length === 0 ? { ...first, rate_limit: limit } : { ...first, descriptors: [nested(rest, limit)] };
}
