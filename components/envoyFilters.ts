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
import { corsPatches } from "./routing/cors";
import { faultPatches } from "./routing/fault";
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
  /** What must not exist before it: the listener it changes, or the routes it guards. */
  readonly before: "gateway" | "routes";
  /** Empty if the config does not need it: then there is no object. */
  readonly patches: (config: EnvoyFilterConfig) => ConfigPatch[];
}

/**
 * Every EnvoyFilter of a gateway, in the order in which Istio applies them. A request passes the HTTP filters in this order:
 *
 * 1. `hardening` removes forged headers, before any other filter reads them.
 * 2. `cors` answers preflights, whatever guards the service.
 * 3. Istio's own decide who may enter: external authorization, JWT, RBAC.
 * 4. `local-rate-limit`, `global-rate-limit`: whoever may not enter uses up nobody's limit.
 * 5. `fault`: only admitted requests are delayed or aborted.
 * 6. `limits`: no body is buffered for a request that another filter refuses.
 * 7. The router, which changes headers, rewrites paths, mirrors and retries.
 *
 * Those in front of Istio's are each inserted as the first, so the last entry comes first; the others right before the router, so
 * they are in the table's order.
 */
export const ENVOY_FILTERS: readonly Entry[] = [
  {
    // The handshake, before any HTTP filter.
    name: "minimum-tls-version",
    before: "gateway",
    patches: ({ gateway }) => (gateway.tls.minVersion === "1.3" ? minimumTlsVersionPatches() : []),
  },
  {
    // Disables Istio's own filters for hosts that do not need them.
    name: "access-scope",
    before: "routes",
    patches: ({ services, domain, denyByDefault, gateway }) =>
      hasPolicies({ services, gateway, denyByDefault, clientAddress: gateway.clientAddress })
        ? accessScopePatches(services, domain)
        : [],
  },
  { name: "retry", before: "routes", patches: ({ services }) => retryPatches(services) },
  { name: "root-rewrite", before: "routes", patches: ({ services }) => rootRewritePatches(services) },
  { name: "telemetry", before: "routes", patches: routeTelemetryPatches },
  {
    name: "local-rate-limit",
    before: "routes",
    patches: ({ services, gateway }) => localRateLimitPatches(services, gateway.clientAddress),
  },
  {
    // After the local limits: what they refuse is not counted here.
    name: "global-rate-limit",
    before: "routes",
    patches: ({ rateLimitService: config, services, gateway }) =>
      config === undefined
        ? []
        : globalRateLimitPatches({ config, services, gateway, clientAddress: gateway.clientAddress }),
  },
  { name: "fault", before: "routes", patches: ({ services }) => faultPatches(services) },
  { name: "limits", before: "routes", patches: ({ services }) => limitsPatches(services) },
  { name: "cors", before: "routes", patches: ({ services }) => corsPatches(services) },
  {
    name: "hardening",
    before: "gateway",
    patches: ({ gateway: { hardening } }) => (hardening === false ? [] : hardeningPatches(hardening)),
  },
];

/** Between neighbours in the table. The first is not 0, which istioctl reads as no priority (IST0151). */
const PRIORITY_STEP = 10;

/**
 * Creates the filters of the table that must exist before the gateway, or before its routes. Call it for both: keys of the config
 * that become filters have no effect otherwise.
 * @param name Prefix of the resources' names.
 * @param before `gateway`: TLS version and hardening, which the listeners need; `routes`: limits, retries, the scope of access.
 * @returns The filters, to depend on; empty if the config needs none.
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
