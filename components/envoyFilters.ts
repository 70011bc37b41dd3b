import type * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "../config";
import { ANY_HOST } from "../config/resolve/domains";
import { servingPorts } from "../config/resolve/model";
import { redirectsOf } from "../config/resolve/redirects";
import { grouped } from "../config/values/grouped";
import type { ConfigPatch } from "../kinds/envoyFilter";
import { accessFilterPatches, isRestricted } from "./access/accessFilter";
import { accessScopePatches } from "./access/accessScope";
import { credentialsPatches } from "./access/credentials";
import { streamAccessPatches } from "./access/streamAccess";
import { errorPagesPatches } from "./entry/errorPages";
import { hardeningPatches } from "./entry/hardening";
import { misdirectedPatches } from "./entry/misdirected";
import { tlsParametersPatches } from "./entry/tlsParameters";
import { connectionLimitPatches } from "./limits/connectionLimit";
import { globalRateLimitPatches } from "./limits/globalRateLimit";
import { limitsPatches } from "./limits/limits";
import { localRateLimitPatches } from "./limits/localRateLimit";
import { answerPatches } from "./routing/answers";
import { compressionPatches } from "./routing/compression";
import { corsPatches } from "./routing/cors";
import { faultPatches } from "./routing/fault";
import { groupRewritePatches } from "./routing/groupRewrite";
import { retryPatches } from "./routing/retry";
import { sessionPersistencePatches } from "./routing/sessionPersistence";
import { onEachPort } from "./shared/envoyPatches";
import { discoveredName, filterName, routeKeysPatch } from "./shared/filterByRoute";
import { GatewayEnvoyFilter, type GatewayEnvoyFilterArgs } from "./shared/gatewayEnvoyFilter";
import { routeTelemetryPatches } from "./telemetry/telemetry";

/** What the patches are built from: any result of `gatewayConfig()`. */
export type EnvoyFilterConfig = Pick<
  StackConfig,
  | "gateway"
  | "listeners"
  | "plainListeners"
  | "certificates"
  | "services"
  | "streams"
  | "denyByDefault"
  | "rateLimitService"
  | "telemetry"
>;

interface Entry {
  /** What it is for. The object is named `GATEWAY--NAME`. */
  readonly name: string;
  /** What must not exist before it: the listener it changes, or the routes it guards. */
  readonly before: "gateway" | "routes";
  /**
   * Empty if the config does not need it: then there is no object.
   * @param above The patches of the entries above it that must exist before the same.
   */
  readonly patches: (config: EnvoyFilterConfig, above: readonly ConfigPatch[]) => ConfigPatch[];
}

/**
 * Every EnvoyFilter of a gateway, in the order in which Istio applies them. A request passes the HTTP filters in this order:
 *
 * 1. `hardening` removes forged headers, before any other filter reads them.
 * 2. `route-keys` writes down the request's host and rule, by which `credentials` and those behind Istio's own find what to do.
 * 3. `error-pages`, which acts on answers: after all others, and only where one of them or the router gave it.
 * 4. `misdirected` answers for hosts of another listener, and `cors` answers preflights, whatever guards the service.
 * 5. `credentials` shows Istio's filters what to check, and on which hosts.
 * 6. Istio's own ask the external authorizer, check tokens, and refuse connections that bypass the proxies.
 * 7. `access` decides who may enter.
 * 8. `local-rate-limit`: whoever may not enter uses up nobody's limit.
 * 9. `limits`: bodies are buffered only for clients that may enter.
 * 10. `global-rate-limit`, and `fault`, which delays or aborts requests.
 * 11. `compression`, which acts on answers: first of all, before any other filter adds to them.
 * 12. `answers` answers in place of backends.
 * 13. `rewrite` puts groups of a rule's expression into the path: no filter before it sees another path than the client's.
 * 14. `session-persistence` tells the router which endpoint a client's cookie names.
 * 15. `retry` tells the router when to try again, `telemetry` under which name to count.
 * 16. The router, which changes headers, rewrites paths, redirects, mirrors and retries.
 *
 * Those in front of Istio's are each inserted as the first, so the last entry comes first; the others right before the router, so
 * they are in the table's order.
 */
export const ENVOY_FILTERS: readonly Entry[] = [
  {
    // The handshake, before any HTTP filter.
    name: "tls-parameters",
    before: "gateway",
    patches: ({ gateway, listeners, streams }) => tlsParametersPatches(gateway.tls, { listeners, streams }),
  },
  {
    // Disables Istio's own filters where nothing is served, and says what `access` needs to know of the rest.
    name: "access-scope",
    before: "routes",
    patches: ({ services, denyByDefault, gateway: { clientAddress } }) =>
      isRestricted(services, denyByDefault) || clientAddress?.proxyAddresses !== undefined
        ? accessScopePatches(services)
        : [],
  },
  { name: "stream-access", before: "gateway", patches: ({ streams }) => streamAccessPatches(streams) },
  { name: "connection-limit", before: "gateway", patches: ({ streams }) => connectionLimitPatches(streams) },
  {
    name: "access",
    before: "routes",
    patches: (config) =>
      accessFilterPatches({
        ...config,
        clientAddress: config.gateway.clientAddress,
        allowedListeners: config.gateway.allowedListeners,
        redirected: redirectsOf(config).flatMap(({ hostnames }) => hostnames.map((host) => host ?? ANY_HOST)),
      }),
  },
  {
    name: "local-rate-limit",
    before: "routes",
    patches: ({ services, gateway }) => localRateLimitPatches(services, gateway.clientAddress),
  },
  {
    // Before any filter that waits: Envoy's buffer does not stop what has come by then.
    name: "limits",
    before: "routes",
    patches: ({ services }) => limitsPatches(services),
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
  { name: "compression", before: "routes", patches: ({ services }) => compressionPatches(services) },
  {
    // Behind `compression`, which does not act on what is answered here.
    name: "answers",
    before: "routes",
    patches: ({ services, gateway }) => answerPatches(services, gateway.clientAddress),
  },
  { name: "rewrite", before: "routes", patches: ({ services }) => groupRewritePatches(services) },
  { name: "session-persistence", before: "routes", patches: ({ services }) => sessionPersistencePatches(services) },
  { name: "retry", before: "routes", patches: ({ services }) => retryPatches(services) },
  { name: "telemetry", before: "routes", patches: routeTelemetryPatches },
  { name: "credentials", before: "routes", patches: ({ services }) => credentialsPatches(services) },
  { name: "cors", before: "routes", patches: ({ services }) => corsPatches(services) },
  {
    // In front of all that looks for a host's rules: the connection has none for it.
    name: "misdirected",
    before: "routes",
    patches: misdirectedPatches,
  },
  {
    // In front of all that refuse: it sees the answers of those behind it.
    name: "error-pages",
    before: "routes",
    patches: errorPagesPatches,
  },
  {
    // Needed as soon as one filter looks for the host or the rule of a request.
    name: "route-keys",
    before: "routes",
    patches: (_, above) =>
      above.some(({ applyTo }) => applyTo === "EXTENSION_CONFIG") ? [routeKeysPatch(above.some(isMisdirected))] : [],
  },
  {
    name: "hardening",
    before: "gateway",
    patches: ({ gateway: { hardening }, services }) =>
      hardening === false ? [] : hardeningPatches(hardening, servingPorts({ services })),
  },
];

function isMisdirected(patch: ConfigPatch): boolean {
  return discoveredName(patch)?.startsWith(filterName("misdirected")) === true;
}

/** Between neighbours in the table. The first is not 0, which istioctl reads as no priority (IST0151). */
const PRIORITY_STEP = 10;

/**
 * Creates the filters of the table that must exist before the gateway, or before its routes. Call it for both: keys of the config
 * that become filters have no effect otherwise.
 * @param name Prefix of the resources' names.
 * @param before `gateway`: TLS parameters and hardening, which the listeners need; `routes`: who may enter, limits, faults, retries.
 * @returns The filters, to depend on; empty if the config needs none.
 */
export function envoyFilters(
  name: string,
  before: Entry["before"],
  config: EnvoyFilterConfig,
  opts: pulumi.CustomResourceOptions,
): GatewayEnvoyFilter[] {
  const { gateway } = config;
  return envoyFilterPatches(config, before).map(
    (filter) => new GatewayEnvoyFilter(`${name}-${filter.feature}`, { ...filter, gateway }, opts),
  );
}

/** The patches of every filter that the config needs, as Istio applies them. @param phase Only those before it. Default: all. */
export function envoyFilterPatches(
  config: EnvoyFilterConfig,
  phase?: Entry["before"],
): Omit<GatewayEnvoyFilterArgs, "gateway">[] {
  const above: ConfigPatch[] = [];
  return ENVOY_FILTERS.flatMap(({ name, before, patches: patchesOf }, index) => {
    if (phase !== undefined && before !== phase) {
      return [];
    }
    const own = patchesOf(config, above);
    const patches = before === "routes" ? onEachPort(own, servingPorts(config)) : own;
    above.push(...patches);
    const priority = (index + 1) * PRIORITY_STEP;
    return [...grouped(patches, (patch) => partOf(name, patch))].map(([part, ofPart]) => ({
      feature: part ?? name,
      // What is inserted around a filter comes after its parts.
      priority: part === undefined ? priority : priority - 1,
      patches: ofPart,
    }));
  });
}

/** Names of the HTTP filters that every proxy of the gateway must have, as far as its metrics show them: `GatewayMetrics` reads them. */
export function httpFilterNames(config: EnvoyFilterConfig): string[] {
  const names = envoyFilterPatches(config)
    .flatMap(({ patches }) => patches)
    .filter(({ applyTo }) => applyTo === "HTTP_FILTER")
    .flatMap((patch) => discoveredName(patch) ?? []);
  return [...new Set(names)].sort();
}

/** The part of a filter that is divided; undefined for the whole, and for what is around it. */
function partOf(feature: string, patch: ConfigPatch): string | undefined {
  const name = discoveredName(patch);
  return name === undefined || name === filterName(feature) ? undefined : name.slice(filterName("").length);
}
