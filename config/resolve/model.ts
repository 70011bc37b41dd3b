import type { Access } from "../schema/access/access";
import type { MtlsConfig } from "../schema/backends/mtls";
import type { TrafficPolicy } from "../schema/backends/trafficPolicy";
import type { KubernetesConfig } from "../schema/cluster/kubernetes";
import type { HostClientCertificates } from "../schema/entry/clientCertificates";
import type { ErrorPages } from "../schema/entry/errorPages";
import type { GatewayConfig } from "../schema/entry/gateway";
import type { ServiceExternalDns } from "../schema/entry/externalDns";
import type { Hsts } from "../schema/entry/hsts";
import type { Limits } from "../schema/limits/limits";
import type { RateLimits } from "../schema/limits/rateLimit";
import type { RateLimitServiceConfig } from "../schema/limits/rateLimitService";
import type { Compression } from "../schema/routing/compression";
import type { Cors } from "../schema/routing/cors";
import type { Fault } from "../schema/routing/fault";
import type { HeaderChanges, Rewrite } from "../schema/routing/filters";
import type { Match } from "../schema/routing/match";
import type { ParsedPath } from "../schema/path";
import type { Retry } from "../schema/routing/retry";
import type { SessionPersistence } from "../schema/routing/sessionPersistence";
import type { VersionName } from "../schema/routing/versions";
import type { ParsedService } from "../schema/service";
import type { PathTelemetry, ServiceTelemetry, TelemetryConfig } from "../schema/telemetry/telemetry";
import type { RedirectCode } from "../schema/entry/httpsRedirect";
import type { Answers } from "./answers";
import type { StackCertificate } from "./certificates";
import { ANY_HOST } from "./domains";
import type { FieldUse } from "./fieldUses";
import type { Listener, PlainListener } from "./listeners";
import { HTTP_PORT, HTTPS_PORT } from "./protocols";

/** Port of a Service: its number, or its name as long as nobody has looked it up. Objects are made of numbers only. */
export type Port = number | string;

/** A port of a Service. */
export interface ServiceTarget<P extends Port = Port> {
  readonly service: string;
  readonly namespace: string;
  readonly port: P;
}

/** A port of a host outside the cluster. */
export interface ExternalTarget {
  /** Its name; that of an address is made up. */
  readonly host: string;
  /** Undefined: DNS knows it. */
  readonly address: string | undefined;
  readonly port: number;
}

export type Target<P extends Port = Port> = ServiceTarget<P> | ExternalTarget;

/** Where a rule sends requests. */
export type Backend<P extends Port = Port> = Target<P> & {
  /** Share of requests, in proportion to the sum of the rule's weights. */
  readonly weight: number;
};

/** A port that the config names, and the Service to look it up in. */
export interface NamedPort extends ServiceTarget<string> {
  /** Key path of the name. */
  readonly path: string;
  /** Name of the service whose key that is. */
  readonly owner?: string;
  /** Its number in a file of kubernetes.services; undefined if none has the Service. */
  readonly number: number | undefined;
}

/** A version of a service. The program creates its Service, in the service's namespace. */
export interface Version {
  readonly version: VersionName;
  readonly service: string;
  /** Labels of its pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly port: number; readonly targetPort: Port }[];
}

/**
 * One path of a service. Every field is required, even if its value may be undefined, so that the compiler finds config keys that
 * are never filled in.
 */
export interface Rule<P extends Port = Port> {
  /** `SERVICE--RULE`: Istio uses it verbatim as Envoy's route name, so it is unique across the gateway. */
  readonly name: string;
  readonly path: string;
  readonly type: ParsedPath["type"];
  readonly match: Match | undefined;
  readonly backends: readonly Backend<P>[];
  /** Off for gRPC, whose clients send a deadline. */
  readonly timeouts: { readonly request: string; readonly backendRequest?: string };
  /** Undefined: Istio's default. False: no retries. */
  readonly retry: Retry | false | undefined;
  readonly cors: Cors | undefined;
  /** Answers that the gateway compresses. */
  readonly compression: Compression | undefined;
  /** Clients that stay with an endpoint, by a cookie. */
  readonly sessionPersistence: SessionPersistence | undefined;
  readonly requestHeaders: HeaderChanges | undefined;
  readonly responseHeaders: HeaderChanges | undefined;
  readonly rewrite: Rewrite | undefined;
  /** Who may enter: its own, or else its service's. Undefined for everyone. */
  readonly access: Access | undefined;
  /** Its own, or else its service's. */
  readonly rateLimit: RateLimits | undefined;
  /** Of its requests' size and silence. */
  readonly limits: Limits | undefined;
  /** What it overrides of the stack's telemetry: its own, or else its service's. */
  readonly telemetry: PathTelemetry;
  /** Instead of backends, of which it then has none. */
  readonly redirect: Answers["redirect"];
  readonly respond: Answers["respond"];
  readonly deny: Answers["deny"];
  /** For the time being: 503, except for clients that are let through to the backends. */
  readonly maintenance: Answers["maintenance"];
  /** Gets a copy of a share of the requests. */
  readonly mirror: (ServiceTarget<P> & { readonly percent: number }) | undefined;
}

/** A name of a service that clients use. */
export interface Host {
  /** A host name, `*.` and one, or `*`. */
  readonly host: string;
  /** Name of the https listener that takes it. */
  readonly listener: string;
  /** Name of the listener that serves it without TLS too. Undefined: plain HTTP is redirected. */
  readonly plainListener: string | undefined;
  /** Status of the redirect to the service's first host. Undefined: it serves the same as that. */
  readonly redirect: RedirectCode | undefined;
}

/** A service with every default filled in. Every field is required, as in `Rule`. */
export interface Service<P extends Port = Port> {
  readonly name: string;
  /** The first of its hosts, which stands for the service. */
  readonly host: string;
  /** All of them, that one first. */
  readonly hosts: readonly Host[];
  /** Port of the gateway for https. */
  readonly listenPort: number;
  readonly namespace: string;
  readonly protocol: Exclude<ParsedService["protocol"], StreamProtocol>;
  /** In the order in which Envoy tries them. */
  readonly rules: readonly Rule<P>[];
  /** What its clients' certificates are checked against; undefined: the gateway's, or none is asked for. */
  readonly clientCertificates: HostClientCertificates | undefined;
  /** Who may enter where no rule says otherwise; undefined for everyone. */
  readonly access: Access | undefined;
  /** The Service of its second version, if it has one. */
  readonly canary: Omit<ServiceTarget, "port"> | undefined;
  /** Empty if the program creates no Service for it. */
  readonly versions: readonly Version[];
  /** Requests that are delayed or aborted on purpose. */
  readonly fault: Fault | undefined;
  /** Pages for the gateway's own answers. */
  readonly errorPages: ErrorPages | undefined;
  readonly hsts: Hsts | undefined;
  /** What external-dns does for its hosts; false: nothing. Undefined: nothing says anything of it. */
  readonly externalDns: ServiceExternalDns | false | undefined;
  /** Its objectives, where they are not the stack's. */
  readonly telemetry: Pick<ServiceTelemetry, "alerts">;
  /** How the gateway treats its backends. */
  readonly trafficPolicy: TrafficPolicy;
}

/** Protocols whose content the gateway does not read. */
export type StreamProtocol = Exclude<ParsedService["protocol"], "http" | "grpc">;

/** A service of connections instead of requests: TLS by server name, or TCP by port. */
export interface Stream<P extends Port = Port> {
  readonly name: string;
  readonly protocol: StreamProtocol;
  readonly namespace: string;
  /** Port of the gateway. */
  readonly listenPort: number;
  /** Its listeners: one for each host, or one for all of TCP. */
  readonly listeners: readonly StreamListener[];
  readonly backends: readonly Backend<P>[];
  /** Which clients may connect: only by address. Undefined for everyone. */
  readonly access: Access | undefined;
  readonly externalDns: Service["externalDns"];
  /** Connections at a time in each proxy. Undefined: no limit. */
  readonly maxConnections: number | undefined;
}

export interface StreamListener {
  readonly name: string;
  /** Server name in the handshake; undefined for TCP. */
  readonly hostname: string | undefined;
  /** Secrets with the certificates that end TLS; empty if nothing ends it. */
  readonly secretNames: readonly string[];
}

/** A stack's config, checked, with every default filled in. */
export interface StackConfig<P extends Port = Port> {
  /** What hosts are in, unless they have certificates of their own; that of hosts derived from names first. */
  readonly domains: readonly string[];
  /** The Gateway's name, namespace, address and settings of its listeners. */
  readonly gateway: GatewayConfig;
  /** The https listeners, by name. */
  readonly listeners: readonly Listener[];
  /** Those for hosts that are served without TLS too, by name. */
  readonly plainListeners: readonly PlainListener[];
  /** The certificates that the https listeners serve. */
  readonly certificates: readonly StackCertificate[];
  /** What is served, in the given order. */
  readonly services: readonly Service<P>[];
  /** What is passed on as connections instead of requests. */
  readonly streams: readonly Stream<P>[];
  /** True refuses requests to hosts that no service has. */
  readonly denyByDefault: boolean;
  /** Namespaces whose sidecars refuse plain text. Undefined: no policies. */
  readonly mtls: MtlsConfig | undefined;
  /** Only if a service has a global rate limit. */
  readonly rateLimitService: (RateLimitServiceConfig & { readonly namespace: string }) | undefined;
  /** Access logs, traces, metrics, alerts and dashboard. */
  readonly telemetry: TelemetryConfig;
  /** The cluster, or the folder to render YAML to. With `adopt`, objects and fields that others manage are taken over. */
  readonly kubernetes: KubernetesConfig & { readonly adopt: boolean };
  /** Fields that the cluster's CRDs must have; empty if YAML is rendered, which is checked already. */
  readonly fieldUses: readonly FieldUse[];
  /** Ports to look up in their Services. */
  readonly namedPorts: readonly NamedPort[];
  /** True refuses to delete the Gateway, the private key and the Secret. */
  readonly protect: boolean;
}

/** Whether it is outside the cluster. */
export function isExternal(target: Target): target is ExternalTarget {
  return "host" in target;
}

/** `NAMESPACE/SERVICE:PORT`, or the host or address outside the cluster with its port. */
export function targetName(target: Target): string {
  return isExternal(target)
    ? `${(target.address ?? target.host).replace(/^.*:.*$/, "[$&]")}:${target.port}`
    : `${target.namespace}/${target.service}:${target.port}`;
}

/** The Service ports that a service's requests may go to, including copies. */
export function backendsOf<P extends Port>(service: Pick<Service<P>, "rules">): ServiceTarget<P>[] {
  return serviceTargets(targetsOf(service));
}

export function serviceTargets<P extends Port>(targets: readonly Target<P>[]): ServiceTarget<P>[] {
  return targets.filter((target): target is ServiceTarget<P> => !isExternal(target));
}

/** The same with what is outside the cluster. */
export function targetsOf<P extends Port>(service: Pick<Service<P>, "rules">): Target<P>[] {
  return service.rules.flatMap(({ backends, mirror }) =>
    mirror === undefined ? [...backends] : [...backends, mirror],
  );
}

/** Ports of the gateway where services are served; 80 only if one is served without TLS. 443 if there are no services. */
export function servingPorts({ services }: Pick<StackConfig, "services">): number[] {
  const ports = [...new Set(services.flatMap(portsOf))].sort((a, b) => a - b);
  return ports.length === 0 ? [HTTPS_PORT] : ports;
}

/** Ports of the gateway where one service is served. */
export function portsOf({ hosts, listenPort }: Pick<Service, "hosts" | "listenPort">): number[] {
  return [listenPort, ...(hosts.some(({ plainListener }) => plainListener !== undefined) ? [HTTP_PORT] : [])];
}

/** Every name that clients use, of services and of streams; `*` is none. */
export function hostsOf({ services, streams }: Pick<StackConfig, "services" | "streams">): string[] {
  const names = [
    ...services.flatMap((service) => service.hosts.map(({ host }) => host)),
    ...streams.flatMap((stream) => stream.listeners.flatMap(({ hostname }) => hostname ?? [])),
  ];
  return [...new Set(names)].filter((host) => host !== ANY_HOST);
}
