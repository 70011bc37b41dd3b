import { defaultSecretName, type CertificateConfig } from "./certificate";
import type { GatewayInput } from "./gateway";
import type { KubernetesConfig } from "./kubernetes";
import type { Backend, Rule, Service, StackConfig } from "./model";
import type { BackendInput, DefaultsConfig, PathInput, ServiceInput } from "./service";

/** Fills in what a service leaves to its defaults. */
export function resolveService(service: ServiceInput, domain: string, defaults: DefaultsConfig): Service {
  return {
    name: service.name,
    host: service.host ?? `${service.name}.${domain}`,
    namespace: service.namespace,
    rules: service.paths.map((path) => resolveRule(service, path, defaults)).sort(byEnvoyOrder),
  };
}

function resolveRule(service: ServiceInput, path: PathInput, defaults: DefaultsConfig): Rule {
  const backends: readonly BackendInput[] = path.backends ?? service.backends ?? [{ service: service.name, weight: 1 }];
  return {
    name: `${service.name}--${ruleName(path)}`,
    path: path.path,
    type: path.type,
    backends: backends.map((backend): Backend => ({
      service: backend.service,
      namespace: backend.namespace ?? service.namespace,
      port: backend.port ?? path.port ?? service.port,
      weight: backend.weight,
    })),
    timeouts: { request: path.timeouts?.request ?? service.timeouts?.request ?? defaults.timeouts.request },
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
 * Exact before prefix before regular expression, then the longer path first: the order in which Istio sorts the routes
 * of a host, whatever their order in the HTTPRoute. Rules are emitted in it, so that what is read is what happens.
 */
export function byEnvoyOrder(a: Pick<Rule, "type" | "path">, b: Pick<Rule, "type" | "path">): number {
  return (
    TYPE_RANK[a.type] - TYPE_RANK[b.type] ||
    b.path.length - a.path.length ||
    (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
  );
}

/** The parts of a stack's config after each has passed its schema. */
export interface ParsedStack {
  readonly domain: string;
  readonly gateway: GatewayInput;
  readonly certificate: CertificateConfig;
  readonly services: readonly ServiceInput[];
  readonly defaults: DefaultsConfig;
  readonly kubernetes: KubernetesConfig;
  readonly protect: boolean;
}

/** Fills in every default that depends on another value. */
export function resolveStack(parsed: ParsedStack): StackConfig {
  const { domain, certificate, kubernetes, protect } = parsed;
  const rendering = kubernetes.renderDirectory !== undefined;
  return {
    domain,
    // Rendered YAML has no status to wait for, and no use for Pulumi's annotations.
    gateway: rendering ? { ...parsed.gateway, programmedTimeoutSeconds: 0 } : parsed.gateway,
    certificate: { ...certificate, secretName: certificate.secretName ?? defaultSecretName(domain) },
    services: parsed.services.map((service) => resolveService(service, domain, parsed.defaults)),
    kubernetes,
    protect,
  };
}
