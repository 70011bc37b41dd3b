import type { z } from "zod";
import type { CanaryInput } from "../schema/routing/canary";
import { resolveCertificate } from "../schema/certificate/certificate";
import { fieldUses } from "../schema/cluster/gatewayApi";
import { grpcPathType } from "../values/grpcPath";
import type { MatchInput } from "../schema/routing/match";
import { backendsOf, type Backend, type Rule, type Service, type StackConfig, type Version } from "./model";
import { globalLimitsOf } from "../schema/limits/rateLimit";
import { rateLimitServiceSchema } from "../schema/limits/rateLimitService";
import type { StackKey, stackShape } from "../schema/stack";
import type { BackendInput, DefaultsConfig, PathInput, ServiceInput } from "../schema/service";
import { split } from "./canaryWeights";
import { versionService, type VersionName } from "../schema/routing/versions";

/** Fills in what a service leaves to its defaults. */
export function resolveService(service: ServiceInput, domain: string, defaults: DefaultsConfig): Service {
  const rules = service.paths.flatMap((path) => resolvePath(service, path, defaults)).sort(byEnvoyOrder);
  return {
    name: service.name,
    host: service.host ?? `${service.name}.${domain}`,
    namespace: service.namespace,
    protocol: service.protocol,
    rules,
    canary: resolveCanary(service),
    versions: resolveVersions(service, rules),
    access: service.access ?? defaults.access,
    limits: service.limits,
    rateLimit: service.rateLimit,
    telemetry: service.telemetry,
    trafficPolicy: { ...defaults.trafficPolicy, ...service.trafficPolicy },
  };
}

/** The rule of a path, and that of the requests which its canary always gets. */
function resolvePath(service: ServiceInput, path: PathInput, defaults: DefaultsConfig): Rule[] {
  const isGrpc = service.protocol === "grpc";
  const stable = (path.backends ?? stableBackends(service)).map((backend) => resolveBackend(service, path, backend));
  const rule = {
    name: `${service.name}--${ruleName(path)}`,
    path: path.path,
    type: isGrpc ? grpcPathType(path.path) : path.type,
    match: path.match,
    timeouts: isGrpc ? { request: "0s" } : { ...defaults.timeouts, ...service.timeouts, ...path.timeouts },
    retry: isGrpc ? undefined : (path.retry ?? service.retry ?? defaults.retry),
    cors: path.cors ?? service.cors,
    requestHeaders: path.requestHeaders ?? service.requestHeaders,
    responseHeaders: path.responseHeaders ?? service.responseHeaders,
    rewrite: path.rewrite ?? service.rewrite,
    mirror: resolveMirror(service, path),
  };
  // A path with backends of its own is another workload than the one whose canary this is.
  if (service.canary === undefined || path.backends !== undefined) {
    return [{ ...rule, backends: stable }];
  }
  const { percent, override } = service.canary;
  const next = { ...service.canary, service: canaryService(service.name, service.canary) };
  const canary = resolveBackend(service, path, { ...next, weight: percent });
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

/** The Service of the second version; undefined where there is none. */
function resolveCanary({ name, namespace, canary }: ServiceInput): Service["canary"] {
  return canary && { service: canaryService(name, canary), namespace: canary.namespace ?? namespace };
}

function canaryService(name: string, canary: CanaryInput): string {
  return canary.service ?? versionService(name, "canary");
}

/** Where requests go that no canary takes. */
export function stableBackends(service: ServiceInput): readonly BackendInput[] {
  const name = service.canary?.versions === undefined ? service.name : versionService(service.name, "stable");
  return service.backends ?? [{ service: name, weight: 1 }];
}

/** Each version's Service has every port on which a rule asks for it. */
function resolveVersions(service: ServiceInput, rules: readonly Rule[]): Version[] {
  const versions = service.canary?.versions;
  if (versions === undefined) {
    return [];
  }
  return (["stable", "canary"] satisfies VersionName[]).map((version) => {
    const name = versionService(service.name, version);
    const backends = backendsOf({ rules }).filter((backend) => backend.service === name);
    const ports = [...new Set(backends.map(({ port }) => port))];
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

/** The conditions of both; where both name one, the override's. */
export function mergeMatches(path: MatchInput | undefined, override: MatchInput): MatchInput {
  const taken = new Set(Object.keys(override.headers ?? {}).map((name) => name.toLowerCase()));
  const otherHeaders = Object.fromEntries(
    Object.entries(path?.headers ?? {}).filter(([name]) => !taken.has(name.toLowerCase())),
  );
  return {
    method: override.method ?? path?.method,
    headers: { ...otherHeaders, ...override.headers },
    query: { ...path?.query, ...override.query },
  };
}

function resolveMirror(service: ServiceInput, path: PathInput): Rule["mirror"] {
  const mirror = path.mirror ?? service.mirror;
  if (mirror === undefined) {
    return undefined;
  }
  const { weight: _, ...backend } = resolveBackend(service, path, { ...mirror, weight: 1 });
  return { ...backend, percent: mirror.percent };
}

function resolveBackend(service: ServiceInput, path: PathInput, backend: BackendInput): Backend {
  return {
    service: backend.service,
    namespace: backend.namespace ?? service.namespace,
    port: backend.port ?? path.port ?? service.port,
    weight: backend.weight,
  };
}

/** The path as a DNS label: `/api/v1` is `api-v1`, `/` is `root`. */
export function ruleName(path: Pick<PathInput, "name" | "path">): string {
  const slug = path.path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return path.name ?? (slug === "" ? "root" : slug);
}

const TYPE_RANK: Readonly<Record<Rule["type"], number>> = { Exact: 0, PathPrefix: 1, RegularExpression: 2 };

/**
 * Exact before prefix before regular expression, then the longer path, then a method, more headers, more query
 * parameters: the order in which Istio sorts the routes of a host, whatever their order in the HTTPRoute. Rules are
 * emitted in it, so that what is read is what happens.
 */
export function byEnvoyOrder(a: Matched, b: Matched): number {
  const size = (map: object = {}) => Object.keys(map).length;
  return (
    TYPE_RANK[a.type] - TYPE_RANK[b.type] ||
    b.path.length - a.path.length ||
    Number(b.match?.method !== undefined) - Number(a.match?.method !== undefined) ||
    size(b.match?.headers) - size(a.match?.headers) ||
    size(b.match?.query) - size(a.match?.query) ||
    (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
  );
}

type Matched = Pick<Rule, "type" | "path" | "match">;

/** The parts of a stack's config after each has passed its schema. */
export type ParsedStack = { readonly [K in StackKey]: z.output<(typeof stackShape)[K]> };

/** Fills in every default that depends on another value. */
export function resolveStack(parsed: ParsedStack): StackConfig {
  const { domain, certificate, mtls, kubernetes, protect, adopt } = parsed;
  const rendering = kubernetes.renderDirectory !== undefined;
  const services = parsed.services.map((service) => resolveService(service, domain, parsed.defaults));
  return {
    domain,
    // Rendered YAML has no status to wait for, and no use for Pulumi's annotations.
    gateway: rendering ? { ...parsed.gateway, programmedTimeoutSeconds: 0 } : parsed.gateway,
    certificate: resolveCertificate(certificate, domain),
    services: services.map((service, index) => ({
      ...service,
      hsts: parsed.services[index]?.hsts ?? parsed.gateway.hsts,
    })),
    denyByDefault: parsed.defaults.denyByDefault,
    mtls,
    rateLimitService: resolveRateLimitService(parsed, services),
    telemetry: parsed.telemetry,
    kubernetes,
    fieldUses: fieldUses({ ...parsed, services: parsed.services.map((service, index) => ({ index, service })) }),
    protect,
    adopt,
  };
}

/** The service that counts, with its namespace; undefined where nothing is to be counted. */
function resolveRateLimitService(
  { gateway, rateLimitService }: ParsedStack,
  services: readonly Service[],
): StackConfig["rateLimitService"] {
  if (services.every((service) => globalLimitsOf(service).length === 0)) {
    return undefined;
  }
  const given = rateLimitService ?? rateLimitServiceSchema.parse({});
  return { ...given, namespace: given.namespace ?? gateway.namespace };
}
