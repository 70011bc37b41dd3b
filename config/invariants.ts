import type { CertificateConfig } from "./certificate";
import type { GatewayInput } from "./gateway";
import { backendsOf } from "./model";
import type { Problem } from "./problem";
import { resolveService, ruleName } from "./resolve";
import type { BackendInput, DefaultsConfig, PathInput, ServiceInput } from "./service";

/** A service that passed its schema, and its place in the list. */
export interface IndexedService {
  readonly index: number;
  readonly service: ServiceInput;
}

/** Rules between the keys of the certificate. */
export function certificateProblems(certificate: CertificateConfig): Problem[] {
  if (!("validityDays" in certificate) || certificate.renewBeforeDays < certificate.validityDays) {
    return [];
  }
  return [
    {
      path: "certificate.renewBeforeDays",
      value: certificate.renewBeforeDays,
      expected: `fewer days than validityDays (${certificate.validityDays}), or every update would renew`,
    },
  ];
}

/** Rules between the gateway and the certificate: the program's own keys are RSA, and need a suite that signs with RSA. */
export function cipherProblems(gateway: GatewayInput, certificate: CertificateConfig): Problem[] {
  const { cipherSuites } = gateway.tls;
  if (certificate.mode !== "self-signed" && certificate.mode !== "ca-signed") {
    return [];
  }
  if (cipherSuites.some((suite) => suite.startsWith("ECDHE-RSA-"))) {
    return [];
  }
  const expected = "at least one ECDHE-RSA-… suite, since the certificate's key is RSA";
  return [{ path: "gateway.tls.cipherSuites", value: cipherSuites, expected }];
}

/** Namespaces that the listener would refuse. */
export function namespaceProblems(gateway: GatewayInput, services: readonly IndexedService[]): Problem[] {
  if (gateway.allowedRoutes !== "Same") {
    return [];
  }
  return services
    .filter(({ service }) => service.namespace !== gateway.namespace)
    .map(({ index, service }) => ({
      path: `services[${index}].namespace`,
      value: service.namespace,
      expected: `${gateway.namespace}, since gateway.allowedRoutes is Same (Selector admits other namespaces)`,
    }));
}

/** A host must be exactly one label below the domain: a wildcard certificate covers no more (RFC 9525, section 6.3). */
export function hostProblems(domain: string, services: readonly IndexedService[]): Problem[] {
  return services.flatMap(({ index, service }) => {
    const host = service.host ?? `${service.name}.${domain}`;
    const label = host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : "";
    if (label !== "" && !label.includes(".")) {
      return [];
    }
    const expected = `a name exactly one label below ${domain}: the certificate for *.${domain} covers no other`;
    return [{ path: `services[${index}].host`, value: host, expected }];
  });
}

/** Rules inside one service. */
export function serviceProblems({ index, service }: IndexedService): Problem[] {
  const at = `services[${index}]`;
  const problems = backendProblems(`${at}.backends`, service, service.backends, service.port);
  problems.push(...canaryProblems(at, service));
  const names = new Map<string, number>();
  service.paths.forEach((path, pathIndex) => {
    const here = `${at}.paths[${pathIndex}]`;
    problems.push(...backendProblems(`${here}.backends`, service, path.backends, path.port ?? service.port));
    const rewrite = path.rewrite ?? service.rewrite;
    if (rewrite?.prefix !== undefined && path.type !== "PathPrefix") {
      const expected = `a path of type PathPrefix, or rewrite.path: ${path.type} has no prefix to replace`;
      problems.push({ path: `${here}.type`, value: path.type, expected });
    }
    const name = ruleName(path);
    const earlier = names.get(name);
    const sameMatch = earlier !== undefined && matchKey(service.paths[earlier]) === matchKey(path);
    if (earlier === undefined) {
      names.set(name, pathIndex);
    } else if (!sameMatch) {
      const expected = `a name other than that of ${at}.paths[${earlier}]`;
      problems.push({ path: `${here}.name`, value: name, expected });
    }
    const shadow = service.paths.findIndex((other) => shadows(other, path));
    if (shadow >= 0) {
      const covering = service.paths[shadow]?.path ?? "";
      const expected = `no prefix that covers it: Istio tries prefixes first, so ${at}.paths[${shadow}] (${covering}) takes every request; make that one a RegularExpression, such as /.*`;
      problems.push({ path: `${here}.path`, value: path.path, expected });
    }
  });
  return problems;
}

function backendProblems(
  path: string,
  service: ServiceInput,
  backends: readonly BackendInput[] | undefined,
  port: number,
): Problem[] {
  if (backends === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  if (backends.every((backend) => backend.weight === 0)) {
    const value = backends.map((backend) => backend.weight);
    problems.push({ path, value, expected: "weights whose sum is above 0, or every request fails" });
  }
  const seen = new Map<string, number>();
  backends.forEach((backend, index) => {
    const key = `${backend.namespace ?? service.namespace}/${backend.service}:${backend.port ?? port}`;
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, index);
    } else {
      const expected = `a backend other than ${path}[${earlier}]: weights between equal backends split nothing`;
      problems.push({ path: `${path}[${index}].service`, value: backend.service, expected });
    }
  });
  return problems;
}

/** A regular expression that only ever sees what a prefix on the same host has already taken. */
function shadows(prefix: PathInput, regex: PathInput): boolean {
  if (prefix.type !== "PathPrefix" || regex.type !== "RegularExpression" || prefix.match !== undefined) {
    return false;
  }
  const literal = /^[^\\.*+?()[\]{}|^$]*/.exec(regex.path)?.[0] ?? "";
  const bare = prefix.path.replace(/\/+$/, "");
  return bare === "" || literal.startsWith(`${bare}/`);
}

/** What a match amounts to: /a and /a/ are one prefix. */
function matchKey(path: PathInput | undefined): string {
  if (path === undefined) {
    return "";
  }
  const bare = path.type === "PathPrefix" ? path.path.replace(/(?<=.)\/+$/, "") : path.path;
  return `${path.type} ${bare} ${canonical(path.match)}`;
}

/** A match as text, whatever the order of its keys and the case of its headers. */
function canonical(match: PathInput["match"]): string {
  const sorted = (map: object = {}) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const headers = sorted(match?.headers).map(([name, value]) => [name.toLowerCase(), value as unknown]);
  return JSON.stringify([match?.method, headers, sorted(match?.query)]);
}

/** A canary is another workload than the stable version, and its overrides leave room for every path. */
function canaryProblems(at: string, service: ServiceInput): Problem[] {
  const { canary } = service;
  if (canary === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  const stable: readonly BackendInput[] = service.backends ?? [{ service: service.name, weight: 1 }];
  const key = (backend: Omit<BackendInput, "weight">) => `${backend.namespace ?? service.namespace}/${backend.service}`;
  if (stable.some((backend) => key(backend) === key(canary))) {
    const expected = "a Service other than the stable one: one Service is one set of pods, whatever its weights";
    problems.push({ path: `${at}.canary.service`, value: canary.service, expected });
  }
  const paths = service.paths.filter((path) => path.backends === undefined).length;
  if (paths === 0) {
    const expected = "a path without backends of its own: the canary gets no request";
    problems.push({ path: `${at}.canary`, expected, value: canary.service });
  }
  if (canary.override !== undefined && service.paths.length + paths > MAX_RULES) {
    const expected = `no override for more than ${MAX_RULES - service.paths.length} paths: an HTTPRoute holds ${MAX_RULES} rules`;
    problems.push({ path: `${at}.canary.override`, value: canary.override, expected });
  }
  return problems;
}

/** Gateway API v1: rules of an HTTPRoute. */
const MAX_RULES = 16;

/** Backends that two services treat in two ways: Istio takes one DestinationRule for a host, and merges none. */
export function trafficPolicyProblems(
  domain: string,
  defaults: DefaultsConfig,
  services: readonly IndexedService[],
): Problem[] {
  const owners = new Map<string, { index: number; policy: string }>();
  return services.flatMap(({ index, service }) => {
    const resolved = resolveService(service, domain, defaults);
    const policy = JSON.stringify(resolved.trafficPolicy);
    const backends = new Set(backendsOf(resolved).map((backend) => `${backend.namespace}/${backend.service}`));
    const clash = [...backends].find((backend) => (owners.get(backend)?.policy ?? policy) !== policy);
    for (const backend of backends) {
      owners.set(backend, owners.get(backend) ?? { index, policy });
    }
    if (clash === undefined) {
      return [];
    }
    const expected = `the trafficPolicy of services[${owners.get(clash)?.index ?? 0}], since both send to ${clash}`;
    return [{ path: `services[${index}].trafficPolicy`, value: service.trafficPolicy, expected }];
  });
}

/** Names and matches that two services, or two paths of one, both claim. */
export function duplicateProblems(
  domain: string,
  defaults: DefaultsConfig,
  services: readonly IndexedService[],
): Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  const matches = new Map<string, string>();
  for (const { index, service } of services) {
    const earlier = names.get(service.name);
    if (earlier !== undefined) {
      const expected = `a name other than that of services[${earlier}]`;
      problems.push({ path: `services[${index}].name`, value: service.name, expected });
    } else {
      names.set(service.name, index);
    }
    const { host } = resolveService(service, domain, defaults);
    service.paths.forEach((path, pathIndex) => {
      const here = `services[${index}].paths[${pathIndex}]`;
      const key = `${host} ${matchKey(path)}`;
      const claimed = matches.get(key);
      if (claimed === undefined) {
        matches.set(key, here);
      } else if (earlier === undefined || service.host !== undefined) {
        // A host that follows from a name that is taken already is the same mistake.
        const expected = `a host and path that ${claimed} does not claim: ${host} ${path.path}`;
        problems.push({ path: `${here}.path`, value: path.path, expected });
      }
    });
  }
  return problems;
}
