import type * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config";
import type { ConfigPatch } from "../kinds/envoyFilter";
import { hasPolicies } from "./access/access";
import { accessScopePatches } from "./access/accessScope";
import { hardeningPatches } from "./entry/hardening";
import { minimumTlsVersionPatches } from "./entry/minimumTlsVersion";
import { globalRateLimitPatches } from "./limits/globalRateLimit";
import { limitsPatches } from "./limits/limits";
import { localRateLimitPatches } from "./limits/localRateLimit";
import { retryPatches } from "./routing/retry";
import { rootRewritePatches } from "./routing/rootRewrite";
import { GatewayEnvoyFilter } from "./shared/gatewayEnvoyFilter";
import { routeTelemetryPatches } from "./telemetry/telemetry";

/** What the patches are built from: any result of `gatewayConfig()`. */
export type EnvoyFilterConfig = Pick<
  StackConfig,
  "domain" | "gateway" | "services" | "denyByDefault" | "rateLimitService" | "telemetry"
>;

interface Entry {
  /** What it is for. The object is named `GATEWAY--NAME`. */
  readonly name: string;
  /** What may not exist before it: the listener that it changes, or the routes that it guards. */
  readonly before: "gateway" | "routes";
  /** Empty where the config needs none: then no object is made. */
  readonly patches: (config: EnvoyFilterConfig) => ConfigPatch[];
}

/**
 * Every EnvoyFilter of a gateway, in the order in which Istio applies them. Each one that adds an HTTP filter puts it in front of
 * those that are there already, so a request passes these in reverse: from the last entry to the first, then Istio's own filters
 * (JWT, external authorization, RBAC, CORS), the body limit and the router.
 */
export const ENVOY_FILTERS: readonly Entry[] = [
  {
    // The handshake, before any HTTP filter.
    name: "minimum-tls-version",
    before: "gateway",
    patches: ({ gateway }) => (gateway.tls.minVersion === "1.3" ? minimumTlsVersionPatches() : []),
  },
  {
    // Turns Istio's own filters off for hosts that do not ask for them.
    name: "access-scope",
    before: "routes",
    patches: ({ services, domain, denyByDefault, gateway }) =>
      hasPolicies({ services, gateway, denyByDefault, clientAddress: gateway.clientAddress })
        ? accessScopePatches(services, domain)
        : [],
  },
  {
    // Behind the local limits: what those refuse is not counted here.
    name: "global-rate-limit",
    before: "routes",
    patches: ({ rateLimitService: config, services, gateway }) =>
      config === undefined ? [] : globalRateLimitPatches({ config, services, gateway }),
  },
  {
    // First to refuse, so that a flood costs as little as it can.
    name: "local-rate-limit",
    before: "routes",
    patches: ({ services }) => localRateLimitPatches(services),
  },
  { name: "retry", before: "routes", patches: ({ services }) => retryPatches(services) },
  { name: "root-rewrite", before: "routes", patches: ({ services }) => rootRewritePatches(services) },
  { name: "telemetry", before: "routes", patches: routeTelemetryPatches },
  {
    // Inserted right before the router: no body is buffered for a request that another filter refuses.
    name: "limits",
    before: "routes",
    patches: ({ services }) => limitsPatches(services),
  },
  {
    // Last applied, first in the chain: it removes headers that clients forge before any other filter reads them.
    name: "hardening",
    before: "gateway",
    patches: ({ gateway: { hardening } }) => (hardening === false ? [] : hardeningPatches(hardening)),
  },
];

/** Between two neighbours of the table. Not 0, which istioctl reads as no priority at all (IST0151). */
const PRIORITY_STEP = 10;

/**
 * Makes the filters of the table that have to be there before the gateway, or before its routes. Call it for both: a key of the config
 * that becomes a filter has no effect without.
 * @param name Prefix of the resources' names.
 * @param before `gateway`: TLS version and hardening, which the listeners need; `routes`: limits, retries, scope of access.
 * @returns The filters made, to depend on; none where the config needs none.
 */
export function envoyFilters(
  name: string,
  before: Entry["before"],
  config: EnvoyFilterConfig,
  opts: pulumi.CustomResourceOptions,
): GatewayEnvoyFilter[] {
  const { gateway } = config;
  return ENVOY_FILTERS.flatMap((entry, index) => {
    const patches = entry.before === before ? entry.patches(config) : [];
    const priority = (index + 1) * PRIORITY_STEP;
    return patches.length === 0
      ? []
      : [new GatewayEnvoyFilter(`${name}-${entry.name}`, { feature: entry.name, gateway, priority, patches }, opts)];
  });
}
