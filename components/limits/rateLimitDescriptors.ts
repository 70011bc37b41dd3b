import type { Rule, Service } from "../../config";
import {
  allRateLimitsOf,
  globalLimitsOf,
  type GlobalRateLimit,
  isEnforced,
  isGlobal,
  limitName,
} from "../../config/schema/limits/rateLimit";
import { type ClientAddress, tellsClients } from "../../config/schema/entry/clientAddress";
import { grouped } from "../../config/values/grouped";
import { filterName } from "../shared/filterByRoute";
import { type GatewayRef, qualifiedName } from "../shared/naming";
import { byAddress, byHeader, type ClientDescriptor } from "./clientDescriptors";

/**
 * Both ends of a global limit: what Envoy sends about a request, and what the service counts. A descriptor consists of the
 * service or path that has it, the limit and the client:
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

/** What becomes of requests beyond a limit: a status, or nothing. Each of Envoy's filters gives one such answer. */
export type Refusal = 429 | 503 | "not-enforced";

function refusalOf(limit: GlobalRateLimit): Refusal {
  return isEnforced(limit) ? (limit.status ?? 429) : "not-enforced";
}

/** Those that the services' limits need, in the order of their filters: what one refuses is not counted by the next. */
export function refusals(services: readonly Service[]): Refusal[] {
  const used = new Set(services.flatMap(allRateLimitsOf).filter(isGlobal).map(refusalOf));
  return ([429, 503, "not-enforced"] as const).filter((refusal) => used.has(refusal));
}

/** Namespace of the metadata that says which limits with an answer a request has. */
export function limitsNamespace(refusal: Refusal): string {
  return filterName(refusal === 429 ? "limits" : `limits-${refusal}`);
}

/**
 * A rule's limits with an answer, by the slot that counts them: `rateLimits` has an entry for each slot, which takes the service
 * and the limit from here. Two limits that tell clients apart in the same way have different slots.
 */
export function limitsMetadata(service: Pick<Service, "name">, rule: Rule, refusal: Refusal): Record<string, Counter> {
  return Object.fromEntries(slots(rule, refusal).map(([slot, limit]) => [slot, counterOf(service, limit)]));
}

/** `rate_limits` for all requests: a request without a limit in a slot has no descriptor of it. */
export function rateLimits(
  services: readonly Service[],
  refusal: Refusal,
  clientAddress?: ClientAddress,
): Record<string, unknown>[] {
  const used = new Map(services.flatMap(({ rules }) => rules.flatMap((rule) => slots(rule, refusal))));
  return [...used].flatMap(([slot, limit]) =>
    clientsOf(limit, tellsClients(clientAddress)).map(({ actions }) => ({
      actions: [fromMetadata(refusal, slot, "service"), fromMetadata(refusal, slot, "limit"), ...actions],
    })),
  );
}

/** What the service counts: requests of one service, of one path, or of all that share a limit. */
interface Counter {
  readonly service: string;
  readonly limit: string;
}

function counterOf({ name }: Pick<Service, "name">, limit: GlobalRateLimit): Counter {
  // No service's name has a slash, or two dashes as a rule's has.
  const service = limit.shared === undefined ? (limit.rule ?? name) : `shared/${limit.shared}`;
  return { service, limit: limitName(limit) };
}

/** Each limit of a rule with an answer, with a slot of its own, named after what tells clients apart. */
function slots(rule: Rule, refusal: Refusal): [slot: string, limit: GlobalRateLimit][] {
  const own = globalLimitsOf(rule).filter((limit) => refusalOf(limit) === refusal);
  const kinds = [...grouped(own, kindOf)];
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

function fromMetadata(refusal: Refusal, slot: string, key: keyof Counter): Record<string, unknown> {
  const path = [slot, key].map((segment) => ({ key: segment }));
  return {
    metadata: { descriptor_key: key, metadata_key: { key: limitsNamespace(refusal), path }, source: "DYNAMIC" },
  };
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
  const counted = services.flatMap((service) =>
    allRateLimitsOf(service)
      .filter(isGlobal)
      .map((limit) => ({ ...counterOf(service, limit), of: limit })),
  );
  return {
    domain: rateLimitDomain(gateway),
    descriptors: [...grouped(counted, ({ service }) => service)].map(([service, limits]) => ({
      key: "service",
      value: service,
      // What several services share is the same in each.
      descriptors: [...new Map(limits.map(({ limit, of }) => [limit, of]))].map(([value, limit]) => ({
        key: "limit",
        value,
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
