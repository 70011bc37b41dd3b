import { valueOfText, type GivenConfig } from "../../../config/load/givenConfig";
import { keysWithSecrets } from "../../../config/load/secrets";
import type { TestAuthority } from "../../support/certificates";
import { hours } from "../../../config/values/duration";
import { given, type Draw, type Values } from "./draw";
import { drawEntry } from "./infrastructure";
import { SECRETS } from "./material";
import {
  drawCompression,
  drawErrorPages,
  drawHsts,
  drawLimit,
  drawService,
  drawTimes,
  drawTrafficPolicy,
  GLOBAL,
} from "./services";
import { drawAccess, drawPort, type Shared } from "./shared";

export type Given = GivenConfig & { readonly values: Values };

/** What depends on the cluster. */
export interface Place {
  readonly gateway: { readonly name: string; readonly namespace: string; readonly address: string };
  /** Extension provider for external authorization, in the mesh config. */
  readonly provider: string;
}

/**
 * A valid config: every key of the schema comes up, and the values fit together.
 * @param place Where it will run. Default: nowhere.
 */
export function drawStack(draw: Draw, authority: TestAuthority, place?: Place): Given {
  const domain = draw.hostname();
  const namespaces = draw.several(1, 3, () => draw.label());
  const gatewayNamespace = place?.gateway.namespace ?? (draw.chance(60) ? "istio-system" : draw.pick(namespaces));
  const allowedRoutes = draw.maybe(40, () => draw.pick(["Selector", "Same", "All"]));
  const gatewayName = place?.gateway.name ?? draw.maybe(50, () => draw.name(34));
  const denyByDefault = draw.maybe(15, () => draw.chance(80));
  const provider = place?.provider ?? draw.label();
  const defaultAccess = draw.maybe(20, () => drawAccess(draw, { provider }));
  const hardening = draw.maybe(50, () => drawHardening(draw));
  const telemetry = drawTelemetry(draw);
  const externalDns = draw.maybe(20, () =>
    draw.some(50, {
      ttl: () => draw.wholeSeconds("1s", "7d"),
      target: () => draw.pick<unknown>(["edge.cdn.test", "192.0.2.7", ["192.0.2.7", "2001:db8::7"]]),
    }),
  );
  const rendering = draw.chance(20);
  const shared: Shared = {
    domain,
    namespaces,
    namespace: allowedRoutes === "Same" ? gatewayNamespace : undefined,
    telemetry,
    retries: draw.chance(40),
    retryBudgets: draw.chance(20),
    outside: draw.chance(20),
    underscores: hardening === false || hardening?.headersWithUnderscoresAction === "ALLOW",
    sharedLimits: draw.chance(30) ? ["api", "keys"] : [],
    externalDns: externalDns !== undefined,
    everyoneSays: denyByDefault === true && defaultAccess === undefined,
    provider,
    portNames: !rendering,
    streamIdleTimeout: hardening === false ? "0s" : ((hardening?.streamIdleTimeout ?? "5m") as string),
  };
  const extra = drawDomains(draw, domain, authority);
  const services = [
    ...withHosts(draw, drawServices(draw, shared), domain, extra, authority).map((service) =>
      onOtherPorts(draw, service),
    ),
    ...drawStreams(draw, shared),
  ];
  const guarded = services.flatMap((service) => [service, ...pathsOf(service)]);
  const access = [defaultAccess, ...guarded.map((place) => place.access as Values | undefined)];
  const entry = drawEntry(draw, place?.gateway.address, telemetry.metrics !== undefined);
  const certificate = draw.maybe(60, () => drawCertificate(draw, authority));
  const group = draw.maybe(15, () => "internal");
  const values = given({
    ...(extra.length === 0 ? { domain } : { domains: [draw.chance(50) ? domain : { domain }, ...extra] }),
    gateway: draw.maybe(100, () =>
      given({
        name: gatewayName,
        group,
        namespace: gatewayNamespace === "istio-system" ? undefined : gatewayNamespace,
        className: place === undefined ? draw.maybe(10, () => draw.label()) : undefined,
        ...entry,
        allowedRoutes,
        allowedListeners:
          denyByDefault === true
            ? undefined
            : draw.maybe(8, () => [{ namespace: draw.pick(namespaces), hosts: ["*.sets.test", "one.sets.org"] }]),
        clientAddress: "existing" in entry ? draw.maybe(50, () => ({ trustedProxies: 0 })) : drawClientAddress(draw),
        httpsRedirect: draw.maybe(20, () => draw.some(50, { statusCode: () => draw.pick([301, 302, 307, 308]) })),
        tls: draw.maybe(40, () => drawTls(draw, authority)),
        hardening,
        errorPages: draw.maybe(20, () => drawErrorPages(draw)),
        hsts: draw.maybe(20, () => drawHsts(draw)),
        externalDns,
        programmedTimeout: draw.maybe(30, () => draw.wholeSeconds("0s", "1h")),
      }),
    ),
    certificate,
    services: services.map((service, index) =>
      group !== undefined && index % 2 === 0 ? { ...service, gateways: [group, "external"] } : service,
    ),
    defaults: draw.maybe(60, () =>
      given({
        ...drawTimes(draw, shared),
        compression: draw.maybe(15, () => drawCompression(draw)),
        trafficPolicy: draw.maybe(30, () => drawTrafficPolicy(draw, shared)),
        access: defaultAccess,
        denyByDefault,
      }),
    ),
    mtls: draw.maybe(25, () => drawMtls(draw, namespaces)),
    rateLimitService: drawLimitService(draw, services, shared),
    telemetry: Object.keys(telemetry).length === 0 ? undefined : telemetry,
    kubernetes: rendering
      ? {
          renderDirectory: "out",
          gatewayApi: { channel: "experimental", version: draw.pick(["v1.6.0", "v1.5.1", "v2.0.0-rc.1"]) },
        }
      : draw.maybe(20, () => ({ kubeconfig: SECRETS.kubeconfig, context: "lab" })),
    protect: draw.maybe(20, () => draw.chance(50)),
  });
  const all = fitted(values, access);
  return {
    project: "istio-gateway",
    folder: ".",
    values: all,
    secretKeys: keysWithSecrets(all),
  };
}

/** The paths of a service, as maps. */
function pathsOf({ paths }: Values): Values[] {
  return ((paths ?? []) as (string | Values)[]).map((path) => (typeof path === "string" ? { path } : path));
}

function maintained(services: readonly Values[]): (Values | undefined)[] {
  return services
    .flatMap((service) => [service, ...pathsOf(service)])
    .map(({ maintenance }) => maintenance as Values | undefined);
}

/** What depends on more than one part. */
function fitted(values: Values, access: readonly (Values | undefined)[]): Values {
  const gateway = { ...(values.gateway as Values | undefined) };
  const defaults = { ...(values.defaults as Values | undefined) };
  const certificate = { ...(values.certificate as Values | undefined) };
  const services = values.services as Values[];
  if (services.some(({ clientCertificates }) => clientCertificates !== undefined)) {
    gateway.tls = given({ ...(gateway.tls as Values | undefined), clientCertificates: undefined });
  }
  const isListing = (entry: Values | undefined) => entry?.allow !== undefined || entry?.deny !== undefined;
  const listing = access.some(isListing) || maintained(services).some(isListing);
  if (listing && gateway.clientAddress === undefined) {
    gateway.clientAddress = { trustedProxies: 0 };
  }
  const { trustedProxies, proxyProtocol } = (gateway.clientAddress ?? {}) as Values;
  const streams = services.filter(({ protocol }) => /^t/.test(String(protocol)));
  if ((trustedProxies ?? 0) !== 0 && proxyProtocol !== true) {
    streams.forEach((stream) => (stream.access = { public: true }));
  }
  if (listing && (trustedProxies !== 0 || proxyProtocol === true)) {
    gateway.clientAddress = { ...(gateway.clientAddress as Values), proxyAddresses: ["10.9.0.0/16", "::/0"] };
  }
  const hoursOf = (key: string) => hours((certificate[key] ?? "90d") as string);
  if (values.protect === true && hoursOf("validity") > hours("100d")) {
    certificate.validity = "100d";
  }
  if (certificate.renewBefore !== undefined && hoursOf("renewBefore") >= hoursOf("validity")) {
    certificate.renewBefore = `${hoursOf("validity") - 1}h`;
  }
  if (services.some(({ gateways }) => gateways !== undefined)) {
    gateway.group = "internal";
  }
  const { clientCertificates } = (gateway.tls ?? {}) as Values;
  if (clientCertificates !== undefined || (gateway.clientAddress as Values | undefined)?.proxyAddresses !== undefined) {
    services.forEach((service) => delete service.plainHttp);
  }
  const keep = (key: string, value: Values) =>
    values[key] === undefined && Object.keys(value).length === 0 ? {} : { [key]: value };
  // If each service must set its access and there is no default, they all do.
  return { ...values, ...keep("gateway", gateway), ...keep("defaults", defaults), ...keep("certificate", certificate) };
}

/** Some services have a port of their own, or no TLS. */
function onOtherPorts(draw: Draw, service: Values): Values {
  if (draw.chance(8)) {
    return { ...service, listenPort: draw.pick([443, 8443, 9443]) };
  }
  return draw.chance(8) && service.clientCertificates === undefined
    ? {
        ...service,
        plainHttp: true,
        hsts: false,
        access: { public: true },
        paths: service.paths && pathsOf(service).map((path) => ({ ...path, access: undefined })),
      }
    : service;
}

/** Services of connections: TLS by server name, TCP by port. */
function drawStreams(draw: Draw, { namespace, namespaces, domain, portNames }: Shared): Values[] {
  const protocols = draw.chance(20)
    ? draw.several(1, 3, () => draw.pick(["tcp", "tls-passthrough", "tls-terminate"]))
    : [];
  return protocols.map((protocol, index) =>
    given({
      name: `stream-${index}`,
      namespace: namespace ?? draw.pick(namespaces),
      protocol,
      listenPort: protocol === "tcp" ? 5432 + index : draw.maybe(30, () => 8443),
      port: drawPort(draw, { portNames }),
      host:
        protocol === "tcp" ? undefined : `stream${index}.${protocol === "tls-passthrough" ? "elsewhere.test" : domain}`,
      backends: draw.maybe(30, () => [
        { service: `stream-${index}-b` },
        { service: "else", namespace: draw.pick(namespaces) },
      ]),
      access: draw.pick<Values>([{ public: true }, { allow: ["10.0.0.0/8"] }]),
      limits: draw.maybe(30, () => ({ maxConnections: draw.int(1, 1000) })),
    }),
  );
}

/** Domains beside the first, some with certificates of their own. */
function drawDomains(draw: Draw, domain: string, authority: TestAuthority): Values[] {
  return draw.chance(25)
    ? draw
        .several(1, 2, () => draw.label(20))
        .map((label, index) => {
          const name = `d${index}-${label}.${domain}`;
          const certificate = draw.maybe(60, () => ({
            ...drawCertificate(draw, authority),
            // A Secret that is another domain's in another config would be made and then deleted.
            secretName: `${name}-tls`,
            validity: undefined,
            renewBefore: undefined,
          }));
          return given({ domain: name, certificate: certificate && given(certificate) });
        })
    : [];
}

/** Services with further names: the apex of the first domain, and a name in every other, served or redirected. */
function withHosts(
  draw: Draw,
  services: readonly Values[],
  domain: string,
  extra: readonly Values[],
  authority: TestAuthority,
): Values[] {
  const apex = draw.maybe(20, () => domain);
  return services.map((service, index) => {
    const others = [
      ...(index === 0 && apex !== undefined ? [apex] : []),
      ...extra.flatMap(({ domain: other }, place) =>
        place % services.length === index ? [draw.chance(50) ? other : `x.${String(other)}`] : [],
      ),
    ];
    const { host = `${String(service.name)}.${domain}`, ...rest } = service;
    const redirect = () => (service.protocol === "grpc" ? undefined : draw.maybe(50, () => draw.pick([301, 308])));
    const hosts = others.map((other) => given({ host: other, redirect: redirect() }));
    if (hosts.length > 0) {
      return { ...rest, hosts: [host, ...hosts] };
    }
    if (index > 0 && draw.chance(8)) {
      return { ...service, clientCertificates: { caCertificate: authority.certificatePem } };
    }
    // The last service is not the only one of the first domain.
    const isDeep = index > 0 && index === services.length - 1 && draw.chance(20);
    return isDeep
      ? { ...rest, host: `deep.x.${domain}`, certificate: { type: "existing", secretName: "deep" } }
      : service;
  });
}

function drawServices(draw: Draw, shared: Shared): Values[] {
  const names = draw.several(1, draw.chance(5) ? 12 : 4, () => draw.name());
  const services = names.map((name, index) => {
    const service = drawService(draw, shared, name);
    const own = draw.maybe(20, () => `h${index}-${draw.label(40)}.${shared.domain}`);
    return own === undefined ? service : { ...service, host: own };
  });
  const unique = services.filter((service, index) => services.findIndex(({ name }) => name === service.name) === index);
  return withOnePolicy(unique);
}

/** Services that share a backend treat it the same: here, as in the defaults. */
function withOnePolicy(services: readonly Values[]): Values[] {
  const backendsOf = (service: Values): Set<string> => {
    const found = new Set<string>();
    const visit = (value: unknown): void => {
      if (typeof value === "object" && value !== null) {
        const { service: name, namespace } = value as Values;
        if (typeof name === "string") {
          found.add(`${String(namespace ?? service.namespace)}/${name}`);
        }
        Object.values(value).forEach(visit);
      }
    };
    visit(service);
    ["", "-stable", "-canary"].forEach((suffix) =>
      found.add(`${String(service.namespace)}/${String(service.name)}${suffix}`),
    );
    return found;
  };
  const all = services.map(backendsOf);
  const isShared = (index: number) =>
    all.some((others, other) => other !== index && [...(all[index] ?? [])].some((backend) => others.has(backend)));
  return services.map((service, index) => {
    const { trafficPolicy: _, ...rest } = service;
    return isShared(index) ? rest : service;
  });
}

/** Only if there is a global limit, and with the limits that are shared. */
function drawLimitService(draw: Draw, services: readonly Values[], shared: Shared): Values | undefined {
  const limits = JSON.stringify(
    services.flatMap(({ rateLimit, paths }) => [
      rateLimit ?? [],
      ...((paths ?? []) as Values[]).map((path) => path.rateLimit ?? []),
    ]),
  );
  const used = shared.sharedLimits.filter((name) => limits.includes(`"shared","name":"${name}"`));
  if (used.length > 0) {
    const named = used.map((name) => [name, drawLimit(draw, shared, draw.pick(GLOBAL))]);
    return { ...drawRateLimitService(draw), shared: Object.fromEntries(named) as Values };
  }
  return limits.includes('"type":"global') ? draw.maybe(50, () => drawRateLimitService(draw)) : undefined;
}

function drawCertificate(draw: Draw, authority: TestAuthority): Values {
  const secretName = draw.maybe(30, () => draw.label());
  const made = () =>
    draw.some(40, {
      keyAlgorithm: () =>
        draw.pick<unknown>(["rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256", ["ecdsa-p256", "rsa-2048"]]),
      names: () => draw.pick(["wildcard", "hosts"]),
      validity: () => draw.pick(["2d", `${draw.int(48, 9552)}h`, "398d", `${draw.int(2, 397)}d${draw.int(0, 24)}h`]),
      renewBefore: () => draw.pick(["0s", `${draw.int(0, 9552)}h`, "60m", `${draw.int(0, 398)}d`]),
    });
  switch (draw.pick(["self-signed", "ca-signed", "existing", "cert-manager"])) {
    case "self-signed":
      return given({ type: "self-signed", secretName, ...made() });
    case "ca-signed":
      return given({
        type: "ca-signed",
        secretName,
        ...made(),
        caCertificate: authority.certificatePem,
        caPrivateKey: authority.privateKeyPem,
      });
    case "existing":
      return { type: "existing", secretName: draw.chance(20) ? ["one", "two"] : draw.label() };
    default:
      return given({
        type: "cert-manager",
        secretName,
        ...draw.some(20, { keyAlgorithm: () => "ecdsa-p256", names: () => "hosts" }),
        issuer: draw.label(),
        issuerKind: draw.maybe(50, () => draw.pick(["Issuer", "ClusterIssuer"])),
      });
  }
}

function drawTls(draw: Draw, authority: TestAuthority): Values {
  const minVersion = draw.maybe(50, () => draw.pick(["1.2", "1.3"]));
  const classic = ["X25519", "P-256", "P-384"].filter(() => draw.chance(60));
  const groups = [...(minVersion === "1.3" || classic.length > 0 ? ["X25519MLKEM768"] : []), ...classic];
  return given({
    minVersion,
    groups: draw.maybe(50, () => draw.pick([false, groups.length > 0 ? groups.reverse() : false])),
    cipherSuites:
      minVersion === "1.3"
        ? undefined
        : draw.maybe(50, () => [
            ...["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            ...draw.several(0, 2, () => "ECDHE-RSA-CHACHA20-POLY1305"),
          ]),
    clientCertificates: draw.maybe(30, () =>
      given({
        caCertificate: authority.certificatePem,
        mode: draw.maybe(50, () => draw.pick(["AllowValidOnly", "AllowInsecureFallback"])),
      }),
    ),
  });
}

function drawClientAddress(draw: Draw): Values | undefined {
  return draw.maybe(40, () =>
    given({ trustedProxies: draw.int(0, 16), proxyProtocol: draw.maybe(20, () => draw.chance(70)) }),
  );
}

function drawHardening(draw: Draw): Values | false {
  if (draw.chance(10)) {
    return false;
  }
  return draw.some(25, {
    maxConnections: () => draw.int(0, 10_000_000),
    perConnectionBufferLimit: () => draw.size(1024, 2 ** 30),
    transportSocketConnectTimeout: () => draw.pick(["0s", draw.duration()]),
    requestHeadersTimeout: () => draw.pick(["1s", "1m", "1ms"]),
    requestTimeout: () => draw.pick(["0s", "1m", "99999h"]),
    streamIdleTimeout: () => draw.pick(["0s", draw.duration()]),
    idleTimeout: () => draw.pick(["0s", draw.duration()]),
    maxConnectionDuration: () => draw.pick(["0s", draw.duration()]),
    maxRequestHeadersSize: () => draw.pick([`${draw.int(1, 8192)}Ki`, "1Mi", 8192, "2048"]),
    maxHeadersCount: () => draw.int(1, 10_000),
    headersWithUnderscoresAction: () => draw.pick(["ALLOW", "REJECT_REQUEST", "DROP_HEADER"]),
    maxConcurrentStreams: () => draw.int(1, 2 ** 31 - 1),
    initialStreamWindowSize: () => draw.size(65_535, 1_048_576),
    initialConnectionWindowSize: () => draw.size(1_048_576, 2 ** 31 - 1),
    mergeSlashes: () => draw.chance(50),
    pathWithEscapedSlashesAction: () =>
      draw.pick(["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"]),
    removeInternalHeaders: () => draw.chance(50),
    removeServerHeader: () => draw.chance(50),
  });
}

function drawMtls(draw: Draw, namespaces: readonly string[]): Values {
  const wholeMesh = draw.chance(40);
  const rootNamespace = draw.maybe(20, () => "istio-root");
  const strict = draw
    .several(wholeMesh ? 0 : 1, 3, () => draw.pick(namespaces))
    .filter((name) => name !== (rootNamespace ?? "istio-system"));
  const strictNamespaces = strict.length === 0 && !wholeMesh ? ["strict"] : strict;
  const names = draw.several(0, 3, () => `e-${draw.label(40)}`);
  return given({
    wholeMesh: wholeMesh ? true : undefined,
    rootNamespace,
    strictNamespaces,
    exceptions: names.map((name, index) =>
      given({
        name,
        namespace: strictNamespaces.length === 0 ? "elsewhere" : draw.pick(strictNamespaces),
        matchLabels: { app: `w${index}`, ...draw.some(30, { "example.com/tier": () => "", "a_b.c": () => "X" }) },
        ports: draw.maybe(50, () => draw.several(1, 3, () => draw.port())),
      }),
    ),
  });
}

function drawRateLimitService(draw: Draw): Values {
  const resources = () =>
    draw.some(50, {
      cpu: () => draw.pick(["1", "250m", "0.5"]),
      memory: () => draw.pick([`${draw.int(16, 65_536)}Mi`, "64Gi", 2 ** 30]),
    });
  return draw.some(50, {
    namespace: () => draw.label(),
    replicas: () => draw.int(1, 20),
    image: () => draw.pick(["registry.test:5000/a/ratelimit:v1", `r/x@sha256:${"0a".repeat(32)}`]),
    resources,
    failureMode: () => draw.pick(["open", "closed"]),
    timeout: () => draw.duration(),
    redis: () =>
      draw.chance(50)
        ? { type: "own", ...draw.some(50, { resources }) }
        : {
            type: "external",
            host: draw.pick(["redis.test", "10.1.1.1", "2001:db8::5"]),
            password: SECRETS.password,
            ...draw.some(40, { port: () => draw.port(), tls: () => draw.chance(50) }),
          },
  });
}

function drawTelemetry(draw: Draw): Values {
  const metrics = draw.maybe(40, () =>
    given({
      scrape: draw.pick(["prometheus-operator", "victoriametrics-operator", "config-map"]),
      interval: draw.maybe(40, () => draw.duration()),
      labels: draw.maybe(30, () => ({ release: "prometheus", "example.com/x": "" })),
    }),
  );
  return given({
    accessLogs: draw.maybe(35, () => ({
      provider: "gateway-json",
      ...draw.some(40, {
        samplePercent: () => draw.int(0, 100),
        errorsFrom: () => draw.int(400, 599),
        slowerThan: () => draw.duration(),
      }),
    })),
    traces: draw.maybe(30, () => ({ provider: "otel", ...draw.some(50, { samplePercent: () => draw.int(0, 100) }) })),
    metrics,
    dashboard: metrics === undefined ? undefined : draw.maybe(40, () => true),
    alerts:
      metrics === undefined
        ? undefined
        : draw.maybe(50, () =>
            draw.some(50, {
              availabilityPercent: () => draw.pick([90, 99.5, 99.999]),
              latency: () => draw.duration(),
              certificateExpiresWithin: () => draw.pick([`${draw.int(1, 90)}d`, `${draw.int(24, 2160)}h`]),
            }),
          ),
  });
}

/** The config as Pulumi passes it: each key's value as text. */
export function asText({ project, values, secretKeys }: Given): Given {
  const texts = Object.entries(values).map(([key, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [key, valueOfText(key, text)] as const;
  });
  return { project, folder: ".", values: Object.fromEntries(texts), secretKeys };
}
