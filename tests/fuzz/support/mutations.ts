import { ANSWER_KEYS } from "../../../config/resolve/answers";
import { keysWithSecrets } from "../../../config/load/secrets";
import { given, type Draw, type Values } from "./draw";
import type { Material } from "./material";
import { firstDomain, firstHost, RELATIONS } from "./relations";
import type { Given } from "./stack";

/** A config with one mistake, and the key path that the error must have. */
export interface Broken {
  readonly given: Given;
  readonly path: string;
  /** Whether it must be the only one reported. */
  readonly isAlone: boolean;
}

/** Maps with arbitrary keys, or outside the schema. */
const FREE =
  /\.(headers|query|set|add|selector|matchLabels|labels|annotations|podLabels|podAnnotations|nodeSelector|requiredClaims|keys\[\d+\])$/;
/** Texts that are not validated, or hardly. */
const ANY_TEXT =
  /jwt\.(issuer|audiences\[\d+\])$|pages\[\d+\]\.html$|(context|body|renderDirectory|kubeconfig|password|provider)$/;

interface Place {
  readonly path: string;
  readonly value: unknown;
  readonly set: (value: unknown) => void;
  readonly remove?: () => void;
}

/** Every place in a config, from the top-level keys down. */
function places(values: Values): Place[] {
  const found: Place[] = [];
  const visit = (holder: Record<string, unknown> | unknown[], at: string): void => {
    for (const key of Object.keys(holder)) {
      const slots = holder as Record<string, unknown>;
      const path = Array.isArray(holder) ? `${at}[${key}]` : at === "" ? key : `${at}.${key}`;
      const remove = Array.isArray(holder) ? undefined : () => Reflect.deleteProperty(slots, key);
      const value = slots[key];
      found.push({ path, value, set: (next) => (slots[key] = next), remove });
      if (typeof value === "object" && value !== null && !/\.jwks$/.test(path)) {
        visit(value as Record<string, unknown>, path);
      }
    }
  };
  visit(values, "");
  return found;
}

/** Required keys. */
const REQUIRED =
  /^domain$|^domains\[\d+\]\.domain$|hosts\[\d+\]\.host$|^services\[\d+\]\.(name|namespace)$|backends\[\d+\]\.service$|mirror\.service$|canary\.percent$|jwt\.issuer$|(rateLimit(\[\d+\])?|shared\.\w+)\.(type|requests|per|header|name)$|hsts\.maxAge$|externalAuthorization\.provider$|trustedProxies$|clientCertificates\.caCertificate$|exceptions\[\d+\]\.(name|namespace|matchLabels)$|cors\.allowOrigins$|retry\.attempts$|fault\.(delay\.duration|abort\.status)$|respond\.status$|telemetry\.(accessLogs|traces)\.provider$|metrics\.scrape$|gatewayApi\.(channel|version)$|trafficPolicy\.tls\.(mode|credentialName)$|tls\.ca\.(kind|name)$|loadBalancing\.key$|loadBalancing\.key\.(type|name)$|versions\.selector$|redis\.(type|host)$|certificate\.(type|issuer|caCertificate|caPrivateKey)$|existing\.service$|autoscaling\.maxReplicas$|policies\[\d+\]\.(type|value|period)$|topologyKey$|loadBalancer\.type$/;

type Mutation = (draw: Draw, values: Values) => string | undefined;

/** By number or name. */
const PORT = /\.(port|targetPort)$/;
const TEXT_OR_NUMBER = /\.(maxRequestSize|maxUnavailable|minAvailable|port|targetPort)$/;

const wrongType: Mutation = (draw, values) => {
  const place = draw.pick(
    places(values).filter(({ path }) => !FREE.test(path.replace(/\.[^.]*$/, "")) || !path.includes(".")),
  );
  place.set(
    typeof place.value === "number"
      ? draw.pick([PORT.test(place.path) ? "X" : "x", [], {}, null, true])
      : draw.pick(TEXT_OR_NUMBER.test(place.path) ? [-0.5] : [7, -0.5]),
  );
  return place.path;
};

const unknownKey: Mutation = (draw, values) => {
  const objects = places(values).filter(
    ({ path, value }) =>
      typeof value === "object" && value !== null && !Array.isArray(value) && !FREE.test(path) && !/jwks/.test(path),
  );
  const key = draw.pick(["zz", "Name", "constructor", "toString", "hasOwnProperty", "minProtocolVersion"]);
  const [target, path] =
    draw.chance(10) || objects.length === 0
      ? [values, key]
      : (({ value, path: at }: Place) => [value as Values, `${at}.${key}`] as const)(draw.pick(objects));
  target[key] = draw.pick<unknown>([1, "x", { a: 1 }, []]);
  return path;
};

const outOfBounds: Mutation = (draw, values) => {
  const numbers = places(values).filter(({ value }) => typeof value === "number");
  const texts = places(values).filter(
    ({ path, value }) =>
      typeof value === "string" &&
      !FREE.test(path.replace(/\.[^.]*$/, "")) &&
      !/\.(headers|query|set|add|labels|annotations|podLabels|podAnnotations|nodeSelector|matchLabels|requiredClaims|existing\.selector)\./.test(
        path,
      ),
  );
  if (numbers.length > 0 && draw.chance(60)) {
    const place = draw.pick(numbers);
    place.set(draw.pick([-1, 0.5, 1e12]));
    return place.path;
  }
  const place = draw.pick(texts.filter(({ path, value }) => !ANY_TEXT.test(path) && !String(value).includes("/rx")));
  place.set(draw.pick(["", " no\nsuch\u0000", "ü ü"]));
  return place.path;
};

const missingKey: Mutation = (draw, values) => {
  const place = draw.pick(places(values).filter(({ path }) => REQUIRED.test(path)));
  place.remove?.();
  return place.path;
};

/** What breaks a rule between keys, by rule. */
export const RULES: Readonly<Record<string, Mutation>> = {
  namespaces: (_, values) => (
    merge(values, "gateway", { allowedRoutes: "Same", namespace: "elsewhere" }),
    "services[0].namespace"
  ),
  madePort: (_, values) => {
    const canary = { versions: { selector: { app: "web" }, targetPort: "http" }, percent: 1 };
    http(values, { name: "zz", backends: undefined, paths: undefined, port: "http", canary });
    return "services[0].port";
  },
  unknownPort: (_, values) => {
    http(values, { backends: [{ service: "zz" }], paths: undefined, port: "http" });
    merge(values, "kubernetes", { renderDirectory: "out" });
    return "services[0].port";
  },
  lifetime: (_, values) => (
    (values.certificate = { type: "self-signed", validity: "30d", renewBefore: "30d" }),
    "certificate.renewBefore"
  ),
  ciphers: (_, values) => (
    merge(values, "gateway", { tls: { minVersion: "1.3", cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] } }),
    "gateway.tls.cipherSuites"
  ),
  keyExchange: (draw, values) => {
    const groups = draw.pick([["X25519MLKEM768"], ["P-256", "X25519", "P-256"], []]);
    merge(values, "gateway", { tls: { minVersion: "1.2", groups } });
    return "gateway.tls.groups";
  },
  hosts: (draw, values) => (
    Object.assign(first(values), { certificate: undefined, hosts: undefined }),
    (first(values).host = draw.pick(["web.other.test", `a.b.${firstDomain(values)}`])),
    "services[0].host"
  ),
  redirectToItself: (_, values) => {
    const host = firstHost(values);
    Object.assign(first(values), { host: undefined, hosts: [host, { host, redirect: 301 }] });
    return "services[0].hosts[1]";
  },
  redirectTaken: (_, values) => {
    const hosts = [`zz-own.${firstDomain(values)}`, { host: firstHost(values), redirect: 301 }];
    return add(values, ({ namespace }) => ({ name: "zz-taken", namespace, hosts }), "hosts[1]");
  },
  wildcard: (_, values) => {
    const wildcard = `*.${firstDomain(values)}`;
    add(values, ({ namespace }) => ({ name: "zz-rest", namespace, host: wildcard }), "host");
    return add(values, ({ namespace }) => ({ name: "zz-part", namespace, paths: ["/zz"] }), "paths");
  },
  unusedDomain: (_, values) => {
    values.domains = [...((values.domains as unknown[] | undefined) ?? [values.domain]), "nobody.test"];
    delete values.domain;
    return `domains[${(values.domains as unknown[]).length - 1}]`;
  },
  domainTwice: (_, values) => {
    values.domains = [firstDomain(values), firstDomain(values)];
    delete values.domain;
    return "domains[1]";
  },
  clientNames: (_, values) => {
    merge(values, "gateway", { tls: undefined });
    Object.assign(first(values), {
      clientCertificates: undefined,
      access: { clientCertificate: { subjectAltNames: ["a"] } },
    });
    return "services[0].access.clientCertificate";
  },
  groups: (_, values) => {
    merge(values, "gateway", { group: undefined });
    first(values).gateways = ["internal"];
    return "services[0].gateways";
  },
  ports: (_, values) => {
    const one = { namespace: "apps", protocol: "tcp", listenPort: 9999, access: { public: true } };
    add(values, () => ({ ...one, name: "zz-one" }), "listenPort");
    return add(values, () => ({ ...one, name: "zz-two" }), "listenPort");
  },
  passedOn: (_, values) => {
    const service = { name: "zz-tls", namespace: "apps", protocol: "tls-passthrough", access: { public: true } };
    return add(values, () => ({ ...service, host: firstHost(values) }), "host");
  },
  proxies: (draw, values) => {
    const wrong: readonly (readonly [Values, string])[] = [
      [{ replicas: 3, autoscaling: { maxReplicas: 5 } }, "replicas"],
      [{ autoscaling: { minReplicas: 3, maxReplicas: 2 } }, "autoscaling.minReplicas"],
      [{ podDisruptionBudget: { minAvailable: 2 } }, "podDisruptionBudget.minAvailable"],
      [{ resources: { requests: { cpu: "9" } } }, "resources.requests.cpu"],
      [{ drain: { minimum: "2m" } }, "drain.minimum"],
      [{ podLabels: { "sidecar.istio.io/inject": "true" } }, "podLabels.sidecar.istio.io/inject"],
      [{ patches: { service: { metadata: { name: "x" } } } }, "patches.service.metadata.name"],
    ];
    const [infrastructure, path] = draw.pick(wrong);
    merge(values, "gateway", { existing: undefined, infrastructure });
    return `gateway.infrastructure.${path}`;
  },
  gatewayService: (draw, values) => {
    const balancer = (loadBalancer: Values) => ({ loadBalancer });
    const wrong: readonly (readonly [Values, string])[] = [
      [{ type: "ClusterIP", externalTrafficPolicy: "Local" }, "externalTrafficPolicy"],
      [{ externalTrafficPolicy: "Cluster", healthCheckNodePort: 31_000 }, "healthCheckNodePort"],
      [{ nodePorts: { http: 30_080, https: 30_080 } }, "nodePorts.https"],
      [{ ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "SingleStack" }, "ipFamilies"],
      [balancer({ type: "gke", subnet: "edge" }), "loadBalancer.subnet"],
      [balancer({ type: "aks", internal: true, publicIpName: "edge" }), "loadBalancer.publicIpName"],
      [balancer({ type: "aws-nlb", internal: true, eipAllocations: ["e"] }), "loadBalancer.eipAllocations"],
      [{ ...balancer({ type: "aws-nlb" }), loadBalancerClass: "a.test/b" }, "loadBalancerClass"],
    ];
    const [service, path] = draw.pick(wrong);
    merge(values, "gateway", { existing: undefined, address: undefined, infrastructure: { service } });
    return `gateway.infrastructure.service.${path}`;
  },
  address: (_, values) => (
    merge(values, "gateway", {
      existing: undefined,
      address: "192.0.2.1",
      infrastructure: { service: { type: "NodePort" } },
    }),
    "gateway.address"
  ),
  hiddenClients: (_, values) => {
    const service = { externalTrafficPolicy: "Cluster" };
    const clientAddress = { trustedProxies: 0 };
    merge(values, "gateway", { existing: undefined, clientAddress, infrastructure: { service } });
    first(values).access = { allow: ["10.0.0.0/8"] };
    return "gateway.infrastructure.service.externalTrafficPolicy";
  },
  sourceRanges: (_, values) => {
    const service = { loadBalancerSourceRanges: ["10.0.0.0/9"] };
    const clientAddress = { trustedProxies: 0 };
    merge(values, "gateway", { existing: undefined, clientAddress, infrastructure: { service } });
    first(values).access = { allow: ["10.0.0.0/8"] };
    return "gateway.infrastructure.service.loadBalancerSourceRanges";
  },
  existing: (_, values) => (
    merge(values, "gateway", {
      existing: { service: "edge" },
      address: undefined,
      clientAddress: { trustedProxies: 0 },
      infrastructure: { replicas: 3 },
    }),
    "gateway.infrastructure.replicas"
  ),
  answers: (_, values) => (http(values, { paths: undefined, deny: true, maintenance: {} }), "services[0].maintenance"),
  unusedBackends: (_, values) => (
    http(values, { paths: undefined, backends: [{ service: "b" }], deny: true }),
    "services[0].backends"
  ),
  redirectLoop: (_, values) => (
    http(values, { paths: undefined, mirror: undefined, backends: undefined, redirect: { path: "/x" } }),
    "services[0].redirect"
  ),
  duplicates: (_, values) => add(values, (service) => ({ name: service.name, namespace: "n" }), "name"),
  claims: (_, values) => {
    first(values).paths = [
      { path: "/dup", name: "one" },
      { path: "/dup/", name: "two" },
    ];
    first(values).protocol = "http";
    return "services[0].paths[1].path";
  },
  weights: (_, values) => (
    (first(values).canary = undefined),
    (first(values).backends = [{ service: "b", weight: 0 }]),
    "services[0].backends"
  ),
  equalBackends: (_, values) => (
    (first(values).canary = undefined),
    (first(values).backends = [{ service: "b" }, { service: "b" }]),
    "services[0].backends[1].service"
  ),
  external: (draw, values) => {
    const wrong: readonly (readonly [Values, string])[] = [
      [{ host: "10.0.0.1", port: 443 }, "host"],
      [{ host: "web.apps.svc.cluster.local", port: 443 }, "host"],
      [{ host: firstHost(values), port: 443 }, "host"],
      [{ host: "api.outside.test", port: "https" }, "port"],
      [{ host: "api.outside.test", port: 443, namespace: "apps" }, "namespace"],
      [{ address: "169.254.169.254", port: 80 }, "address"],
      [{ service: "zz", address: "192.0.2.1", port: 80 }, "address"],
    ];
    const [backend, key] = draw.pick(wrong);
    http(values, { paths: undefined, backends: [backend], trafficPolicy: { tls: { mode: "DISABLE" } } });
    return `services[0].backends[0].${key}`;
  },
  externalTls: (draw, values) => {
    const [backend, tls, key] = draw.pick<readonly [Values, unknown, string]>([
      [{ address: "192.0.2.1", port: 80 }, false, "tls"],
      [{ host: "api.outside.test", port: 443 }, { mode: "ISTIO_MUTUAL" }, "tls.mode"],
    ]);
    http(values, { paths: undefined, backends: [backend], trafficPolicy: { tls } });
    return `services[0].trafficPolicy.${key}`;
  },
  canary: (_, values) => (
    (first(values).backends = undefined),
    (first(values).canary = { service: first(values).name, percent: 1 }),
    "services[0].canary.service"
  ),
  versions: (_, values) => {
    Object.assign(first(values), {
      backends: undefined,
      paths: undefined,
      canary: { percent: 1, versions: { selector: { app: "a" }, stable: "v", canary: "v" } },
    });
    return "services[0].canary.versions.canary";
  },
  prefixes: (_, values) => (
    http(values, { paths: ["/", { path: "/a.*", type: "RegularExpression" }] }),
    "services[0].paths[1].path"
  ),
  prefixesOfHost: (_, values) =>
    shareHost(values, ["/"], [{ path: "/a.*", type: "RegularExpression" }], "paths[0].path"),
  ties: (_, values) =>
    shareHost(
      values,
      [{ path: "/", match: { headers: { "x-a": "1" } } }],
      [{ path: "/", match: { headers: { "x-b": "1" } } }],
      "paths[0].match",
    ),
  hstsOfHost: (_, values) => {
    const path = shareHost(values, ["/"], ["/a"], "hsts");
    first(values).hsts = { maxAge: "1s" };
    return path;
  },
  grpc: (_, values) => (
    (first(values).protocol = "grpc"),
    (first(values).rewrite = { path: "/" }),
    "services[0].rewrite"
  ),
  sessionPersistence: (_, values) => {
    http(values, { backends: [{ service: "a" }, { service: "b" }], sessionPersistence: {} });
    return "services[0].sessionPersistence";
  },
  compression: (draw, values) => {
    http(values, { compression: draw.pick<Values>([{ algorithms: ["gzip", "gzip"] }, { algorithms: [] }]) });
    return "services[0].compression.algorithms";
  },
  retry: (_, values) => (
    http(values, {
      paths: ["/"],
      timeouts: { request: "1s", backendRequest: "2s" },
      retry: { attempts: 1 },
    }),
    "services[0].timeouts.backendRequest"
  ),
  cors: (_, values) => (
    http(values, { paths: [{ path: "/", cors: { allowOrigins: ["*"] }, match: { method: "PUT" } }] }),
    "services[0].paths[0].match"
  ),
  fault: (_, values) => (
    (first(values).limits = { streamIdleTimeout: "1s" }),
    (first(values).fault = { delay: { duration: "1s" } }),
    "services[0].fault.delay.duration"
  ),
  errorPages: (draw, values) => {
    const [page, key] = draw.pick([
      [{ html: "${host}" }, "html"],
      [{ json: "{" }, "json"],
      [{ statuses: ["3xx"], html: "a" }, "statuses[0]"],
      [{ html: { file: "../secret.html" } }, "html"],
      [{ html: { file: "none.html" } }, "html"],
    ] as const);
    http(values, { errorPages: { pages: [page] } });
    return `services[0].errorPages.pages[0].${key}`;
  },
  gatewayApi: (_, values) => (
    (values.kubernetes = { gatewayApi: { channel: "standard", version: "v1.6.0" } }),
    "kubernetes.gatewayApi"
  ),
  hardening: (_, values) => (
    merge(values, "gateway", { hardening: { requestHeadersTimeout: "2m", requestTimeout: "1m" } }),
    "gateway.hardening.requestHeadersTimeout"
  ),
  windows: (_, values) => (
    merge(values, "gateway", { hardening: { initialStreamWindowSize: 2_000_000 } }),
    "gateway.hardening.initialStreamWindowSize"
  ),
  rateLimits: (_, values) => (
    (first(values).rateLimit = [
      { type: "local", requests: 1, per: "hour" },
      { type: "local-by-address", requests: 1, per: "hour" },
    ]),
    "services[0].rateLimit[1].type"
  ),
  rateLimitsOfPath: (_, values) => {
    const local = { type: "local", requests: 1, per: "hour" };
    http(values, { paths: ["/", { path: "/zz", rateLimit: [local, local] }] });
    return "services[0].paths[1].rateLimit[1].type";
  },
  sharedLimits: (_, values) => (
    (first(values).rateLimit = { type: "shared", name: "none" }),
    "services[0].rateLimit.name"
  ),
  limitStatus: (_, values) => (
    (first(values).protocol = "grpc"),
    (first(values).rateLimit = { type: "local", requests: 1, per: "hour", status: 503 }),
    "services[0].rateLimit.status"
  ),
  rateLimitService: (_, values) => {
    for (const service of values.services as Values[]) {
      delete service.rateLimit;
      for (const path of (service.paths ?? []) as Values[]) {
        delete path.rateLimit;
      }
    }
    values.rateLimitService = { redis: { type: "external", host: "r.test", password: "hunter2-of-redis" } };
    return "rateLimitService";
  },
  headers: (_, values) => (
    (first(values).requestHeaders = { set: { "x-z": "1" }, remove: ["X-Z"] }),
    "services[0].requestHeaders.remove[0]"
  ),
  hsts: (_, values) => (
    http(values, { hsts: { maxAge: "1s" }, responseHeaders: { set: { "Strict-Transport-Security": "x" } } }),
    "services[0].responseHeaders.set.Strict-Transport-Security"
  ),
  telemetry: (_, values) => ((values.telemetry = { dashboard: true }), "telemetry.dashboard"),
  mtls: (_, values) => ((values.mtls = { strictNamespaces: ["istio-system"] }), "mtls.strictNamespaces[0]"),
  access: (_, values) => (
    (first(values).access = { allow: ["10.1.0.0/16"], deny: ["10.0.0.0/8"] }),
    "services[0].access.allow[0]"
  ),
  accessOfPath: (_, values) => {
    http(values, { paths: ["/", { path: "/zz", access: { allow: ["10.1.0.0/16"], deny: ["10.0.0.0/8"] } }] });
    return "services[0].paths[1].access.allow[0]";
  },
  issuers: (_, values) => {
    const [one, two] = ["https://a.test/keys", "https://b.test/keys"];
    const jwt = { issuer: "https://two.test", audiences: ["a"] };
    first(values).access = { jwt: { ...jwt, jwksUri: one } };
    const access = { jwt: { ...jwt, jwksUri: two } };
    return add(values, ({ namespace }) => ({ name: "zz-token", namespace, access }), "access.jwt.jwksUri");
  },
  clientAddress: (_, values) => {
    merge(values, "gateway", { clientAddress: undefined });
    first(values).access = { deny: ["10.0.0.0/8"] };
    return "gateway.clientAddress";
  },
  override: (_, values) => (
    http(values, {
      backends: undefined,
      paths: ["/a", "/a-canary"],
      canary: { service: "zz", percent: 1, override: { method: "PUT" } },
    }),
    "services[0].paths[1].name"
  ),
};

function first(values: Values): Values {
  return (values.services as Values[])[0] ?? {};
}

function http(values: Values, more: Values): void {
  Object.assign(first(values), {
    protocol: "http",
    retry: undefined,
    timeouts: undefined,
    cors: undefined,
    rewrite: undefined,
    canary: undefined,
    ...more,
  });
}

/** Adds a service on the host of the first. */
function shareHost(values: Values, paths: unknown[], others: unknown[], key: string): string {
  http(values, { paths, canary: undefined, hsts: undefined });
  const { namespace, access, certificate } = first(values);
  const host = firstHost(values);
  return add(values, () => given({ name: "zz-shared", host, certificate, namespace, access, paths: others }), key);
}

function merge(values: Values, key: string, more: Values): void {
  values[key] = given({ ...(values[key] as Values | undefined), ...more });
}

function add(values: Values, make: (service: Values) => Values, key: string): string {
  const services = values.services as Values[];
  services.push(make(first(values)));
  return `services[${services.length - 1}].${key}`;
}

/** Breaks a valid config in one way. */
export function broken(draw: Draw, { values: valid, ...rest }: Given, material: Material): Broken {
  const values = JSON.parse(JSON.stringify(valid)) as Values;
  // Others may come to share its host, and would have to have the same; plainHttp also rules out much of the stack's own.
  delete first(values).listenPort;
  delete first(values).externalDns;
  // Where the gateway answers itself, rules for backends do not apply.
  ANSWER_KEYS.forEach((key) => Reflect.deleteProperty(first(values), key));
  (values.services as Values[]).forEach((service) => delete service.plainHttp);
  const relation = draw.maybe(15, () => draw.pick(Object.values(RELATIONS)));
  const mutation = draw.chance(40)
    ? draw.pick(Object.values(RULES))
    : draw.pick([wrongType, unknownKey, outOfBounds, missingKey]);
  const path = relation?.(values, material, draw) ?? mutation(draw, values) ?? "";
  const mutated = JSON.parse(JSON.stringify(values)) as Values;
  return {
    given: { ...rest, values: mutated, secretKeys: keysWithSecrets(mutated) },
    // A condition is a text or a map, so a mistake is reported for the whole.
    path: path.replace(/(\.(?:match|override)\.\w+\..*)\.regex$/, "$1"),
    isAlone: relation !== undefined,
  };
}
