import type { TrafficPolicy } from "../schema/backends/trafficPolicy";
import type { GatewayConfig } from "../schema/entry/gateway";
import type { RateLimitServiceConfig } from "../schema/limits/rateLimitService";
import type { ParsedBackend } from "../schema/routing/backend";
import type { Canary } from "../schema/routing/canary";
import type { ParsedPath } from "../schema/path";
import type { HeaderChanges, RequestHeaderChanges } from "../schema/routing/filters";
import { FORWARDED } from "../schema/routing/variables";
import { type VersionName, versionService } from "../schema/routing/versions";
import { DEFAULT_BACKEND_REQUEST } from "../schema/routing/timeouts";
import type { DefaultsConfig, ParsedService } from "../schema/service";
import { grpcPathType } from "../values/grpcPath";
import { split } from "./canaryWeights";
import { answersOf, forwardedPaths, hasBackends } from "./answers";
import {
  type Backend,
  backendsOf,
  type Port,
  type Rule,
  type Service,
  type ServiceTarget,
  type Target,
  type Version,
} from "./model";
import type { Domain } from "./domains";
import { hostsOf } from "./hosts";
import { listenerHost, listenerName, nameOnPort } from "./listeners";
import { nearest } from "./nearest";
import { HTTP_PORT, listenPortOf } from "./protocols";
import { resolveRateLimits } from "./rateLimits";
import { byEnvoyOrder, mergeMatches, ruleName } from "./paths";

/** Where a service's defaults come from. */
export interface ServiceContext {
  readonly rateLimitService?: RateLimitServiceConfig;
  readonly domains: readonly Domain[];
  readonly defaults: DefaultsConfig;
  readonly gateway: Pick<GatewayConfig, "hsts" | "externalDns" | "errorPages"> | undefined;
}

/** Fills in a service's defaults. */
export function resolveService(
  service: ParsedService,
  { domains, defaults, gateway, rateLimitService }: ServiceContext,
): Service {
  const listenPort = listenPortOf(service);
  const hosts = hostsOf(service, domains).map(({ host, redirect }) => ({
    host,
    listener: nameOnPort(listenerName(listenerHost(host, service, domains) ?? host, domains), listenPort),
    plainListener:
      service.plainHttp === true && redirect === undefined ? nameOnPort(listenerName(host), HTTP_PORT) : undefined,
    redirect,
  }));
  const { alerts, ...ofRequests } = service.telemetry;
  const rateLimit = resolveRateLimits(service.rateLimit, rateLimitService);
  const rules = service.paths
    .flatMap((path) => {
      const own = path.rateLimit && resolveRateLimits(path.rateLimit, rateLimitService, nameOf(service, path));
      return resolvePath(service, path, defaults, {
        rateLimit: nearest(own, rateLimit),
        telemetry: nearest(path.telemetry, ofRequests) ?? {},
      });
    })
    .sort(byEnvoyOrder);
  return {
    name: service.name,
    host: hosts[0]?.host ?? "",
    hosts,
    listenPort,
    namespace: service.namespace,
    protocol: service.protocol === "grpc" ? "grpc" : "http",
    rules,
    canary: resolveCanary(service),
    versions: resolveVersions(service, rules),
    clientCertificates: service.clientCertificates,
    access: service.access ?? defaults.access,
    fault: service.fault,
    externalDns: resolveExternalDns(service, gateway),
    errorPages: service.protocol === "grpc" ? undefined : nearest(service.errorPages, gateway?.errorPages),
    hsts: nearest(service.hsts, gateway?.hsts),
    telemetry: { alerts },
    trafficPolicy: resolveTrafficPolicy(service, defaults),
  };
}

/** The service's settings, with the gateway's time to live. */
export function resolveExternalDns(
  { externalDns }: Pick<ParsedService, "externalDns">,
  gateway: Pick<GatewayConfig, "externalDns"> | undefined,
): Service["externalDns"] {
  return gateway?.externalDns === undefined || externalDns === false
    ? externalDns
    : { ttl: gateway.externalDns.ttl, ...externalDns };
}

/** Each part from the service, or else from the defaults. */
export function resolveTrafficPolicy(service: ParsedService, defaults: DefaultsConfig): TrafficPolicy {
  const parts = Object.entries({ ...defaults.trafficPolicy, ...service.trafficPolicy });
  return Object.fromEntries(parts.filter(([, part]) => part !== false));
}

function nameOf({ name }: Pick<ParsedService, "name">, path: ParsedPath): string {
  return `${name}--${ruleName(path)}`;
}

/** The rule of a path, and that of the requests that its canary always gets. */
function resolvePath(
  service: ParsedService,
  path: ParsedPath,
  defaults: DefaultsConfig,
  inherited: Pick<Rule, "rateLimit" | "telemetry">,
): Rule[] {
  const isGrpc = service.protocol === "grpc";
  const answers = answersOf(service, path);
  const stable = (path.backends ?? stableBackends(service)).map((backend) => resolveBackend(service, path, backend));
  const retry = isGrpc ? undefined : (path.retry ?? service.retry ?? defaults.retry);
  const rule = {
    name: nameOf(service, path),
    path: path.path,
    type: isGrpc ? grpcPathType(path.path) : path.type,
    match: path.match,
    timeouts: isGrpc
      ? { request: "0s" }
      : {
          ...(isRetried(retry) ? {} : { backendRequest: DEFAULT_BACKEND_REQUEST }),
          ...defaults.timeouts,
          ...service.timeouts,
          ...path.timeouts,
        },
    retry,
    cors: nearest(path.cors, service.cors),
    compression: isGrpc ? undefined : nearest(path.compression ?? service.compression, defaults.compression),
    sessionPersistence: nearest(path.sessionPersistence, service.sessionPersistence),
    requestHeaders: withForwarded(nearest(path.requestHeaders, service.requestHeaders)),
    responseHeaders: nearest(path.responseHeaders, service.responseHeaders),
    rewrite: nearest(path.rewrite, service.rewrite),
    access: path.access ?? service.access ?? defaults.access,
    ...inherited,
    limits: nearest(path.limits, service.limits),
    mirror: resolveMirror(service, path),
    ...answers,
  };
  if (!hasBackends(answers)) {
    const unused = {
      retry: undefined,
      cors: undefined,
      sessionPersistence: undefined,
      requestHeaders: undefined,
      rewrite: undefined,
      mirror: undefined,
    };
    return [{ ...rule, ...unused, backends: [] }];
  }
  // A path with its own backends is a different workload from the one whose canary this is.
  if (service.canary === undefined || path.backends !== undefined) {
    return [{ ...rule, backends: stable }];
  }
  const { percent, override } = service.canary;
  const canary = canaryBackend(service, path, service.canary);
  const shared = { ...rule, backends: split(stable, canary, percent) };
  return override === undefined
    ? [shared]
    : [
        {
          ...rule,
          name: `${rule.name}-canary`,
          match: mergeMatches(path.match, override),
          backends: [{ ...canary, weight: 1 }],
        },
        shared,
      ];
}

/** Written out: the headers that `forwarded` sets. */
function withForwarded(changes: RequestHeaderChanges | undefined): HeaderChanges | undefined {
  if (changes === undefined) {
    return undefined;
  }
  const { forwarded, ...given } = changes;
  return forwarded === true ? { ...given, set: { ...given.set, ...FORWARDED } } : given;
}

function isRetried(retry: Rule["retry"]): boolean {
  return retry !== undefined && retry !== false && retry.attempts > 0;
}

/** The Service of the second version; undefined if there is none. */
function resolveCanary({ name, namespace, canary }: ParsedService): Service["canary"] {
  return canary && { service: canaryService(name, canary), namespace: canary.namespace ?? namespace };
}

function canaryBackend(service: ParsedService, path: ParsedPath, canary: Canary): Backend {
  const name = canaryService(service.name, canary);
  return resolveBackend(service, path, { ...canary, service: name, weight: canary.percent });
}

/** Everything that a service's requests may go to, including copies. Reads as few keys as possible. */
export function parsedTargets(service: ParsedService): Target[] {
  return forwardedPaths(service).flatMap(({ path }) => {
    const stable = (path.backends ?? stableBackends(service)).map((backend) => resolveBackend(service, path, backend));
    const canary =
      service.canary === undefined || path.backends !== undefined ? [] : [canaryBackend(service, path, service.canary)];
    return [...stable, ...canary, ...[resolveMirror(service, path) ?? []].flat()];
  });
}

function canaryService(name: string, canary: Canary): string {
  return canary.service ?? versionService(name, "canary");
}

/** Where requests go that the canary does not get. */
export function stableBackends(service: ParsedService): readonly ParsedBackend[] {
  const name = service.canary?.versions === undefined ? service.name : versionService(service.name, "stable");
  return service.backends ?? [{ service: name, weight: 1 }];
}

/** Each version's Service has every port that a rule uses. */
function resolveVersions(service: ParsedService, rules: readonly Rule[]): Version[] {
  const versions = service.canary?.versions;
  if (versions === undefined) {
    return [];
  }
  return (["stable", "canary"] satisfies VersionName[]).map((version) => {
    const name = versionService(service.name, version);
    const backends = backendsOf({ rules }).filter((backend) => backend.service === name);
    // The config check refuses names here: no other Service has their numbers.
    const ports = [...new Set(backends.flatMap(({ port }) => (typeof port === "number" ? [port] : [])))];
    return {
      version,
      service: name,
      selector: { ...versions.selector, [versions.label]: versions[version] },
      ports: ports.map((port) => ({
        port,
        targetPort: port === service.port ? (versions.targetPort ?? port) : port,
      })),
    };
  });
}

function resolveMirror(service: ParsedService, path: ParsedPath): Rule["mirror"] {
  const mirror = nearest(path.mirror, service.mirror);
  if (mirror === undefined) {
    return undefined;
  }
  return { ...resolveTarget(service, path, mirror), percent: mirror.percent };
}

export function resolveBackend(
  service: ParsedService,
  path: Pick<ParsedPath, "port"> | undefined,
  backend: ParsedBackend,
): Backend {
  const { service: name, host, address, port, weight } = backend;
  if (name !== undefined) {
    return { ...resolveTarget(service, path, { ...backend, service: name }), weight };
  }
  // The schema demands a number.
  return { host: host ?? addressName(address ?? ""), address, port: Number(port), weight };
}

function resolveTarget(
  service: ParsedService,
  path: Pick<ParsedPath, "port"> | undefined,
  target: { readonly service: string; readonly namespace?: string; readonly port?: Port },
): ServiceTarget {
  return {
    service: target.service,
    namespace: target.namespace ?? service.namespace,
    port: target.port ?? path?.port ?? service.port,
  };
}

/** Istio knows backends by names alone. No DNS is asked for this one. */
function addressName(address: string): string {
  return `ip-${address.replace(/[.:]/g, "-").replace(/-$/, "-0")}.external.internal`;
}
