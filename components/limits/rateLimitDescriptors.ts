import type { Service } from "../../config";
import { globalLimitsOf, type GlobalRateLimit, limitName } from "../../config/schema/limits/rateLimit";
import type { GatewayRef } from "../shared/naming";

/**
 * Both ends of a global limit: what Envoy sends about a request, and what the service counts. A descriptor consists of the
 * service, the limit and the client:
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/other_features/global_rate_limiting
 */

/** Which clients share a counter: the descriptor's last entry, and the Envoy action that produces it. */
interface Clients {
  readonly key: string;
  /** Without it, each value has its own counter. */
  readonly value?: string;
  readonly action: Record<string, unknown>;
}

function clientsOf(limit: GlobalRateLimit): Clients[] {
  if (limit.type === "global") {
    return [{ key: "client", value: "any", action: genericKey("client", "any") }];
  }
  if (limit.type === "global-by-address") {
    return [{ key: "remote_address", action: { remote_address: {} } }];
  }
  const name = limit.header.toLowerCase();
  return [
    { key: "client", action: { request_headers: { header_name: name, descriptor_key: "client" } } },
    {
      // Without the header, the action above yields no descriptor, and nothing would be counted.
      key: "client_without",
      value: name,
      action: {
        header_value_match: {
          descriptor_key: "client_without",
          descriptor_value: name,
          expect_match: false,
          headers: [{ name, present_match: true }],
        },
      },
    },
  ];
}

function genericKey(key: string, value: string): Record<string, unknown> {
  return { generic_key: { descriptor_key: key, descriptor_value: value } };
}

/** `rate_limits` of a route of the service. */
export function routeRateLimits(service: Service): Record<string, unknown>[] {
  return globalLimitsOf(service).flatMap((limit) =>
    clientsOf(limit).map(({ action }) => ({
      actions: [genericKey("service", service.name), genericKey("limit", limitName(limit)), action],
    })),
  );
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
export function rateLimitDomain({ name, namespace }: GatewayRef): string {
  return `${namespace}/${name}`;
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
        descriptors: clientsOf(limit).map(({ key, value }) => ({
          key,
          value,
          rate_limit: { unit: limit.per, requests_per_unit: limit.requests },
        })),
      })),
    })),
  };
}
