import { createHash } from "node:crypto";
import type { HostClientCertificates } from "../schema/entry/clientCertificates";
import type { ParsedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";
import { grouped } from "../values/grouped";
import { certificatesOf, type StackCertificate } from "./certificates";
import { ANY_HOST, type Domain, domainOf, domainsOf } from "./domains";
import { hostsOf } from "./hosts";
import { HTTPS_PORT, listenPortOf } from "./protocols";

/** A listener for hosts that are served without TLS too. */
export type PlainListener = Pick<Listener, "name" | "namespaces"> & { readonly hostname: string };

/** An https listener: the hosts that it takes, and what it needs for them. */
export interface Listener {
  /** Its name in the Gateway: see `listenerName`. A further domain at the end of the list renames none. */
  readonly name: string;
  /** A host, a wildcard, or undefined for every host. */
  readonly hostname: string | undefined;
  /** Port of the gateway. */
  readonly port: number;
  /** Secrets with its certificates: one, or two with keys of different algorithms. */
  readonly secretNames: readonly string[];
  /** Namespaces of the services that it serves, sorted. */
  readonly namespaces: readonly string[];
  /** What clients' certificates are checked against; undefined: the gateway's, or none is asked for. */
  readonly clientCertificates: HostClientCertificates | undefined;
}

/**
 * What the listener of a host takes: the domain's wildcard or apex; the host alone, if that has a certificate of its own or asks for
 * clients', which Istio binds to a listener.
 */
export function listenerHost(
  host: string,
  { certificate, clientCertificates }: Pick<ParsedService, "certificate" | "clientCertificates">,
  domains: readonly Domain[],
): string | undefined {
  const domain = domainOf(host, domains)?.domain;
  if (certificate !== undefined || clientCertificates !== undefined || host === ANY_HOST || host === domain) {
    return host;
  }
  return domain === undefined ? undefined : `*.${domain}`;
}

/** What tells listeners apart: their hosts, and their ports. @returns The same for all hosts of one listener. */
export function listenerKey(
  host: string,
  service: Pick<ParsedService, "certificate" | "clientCertificates" | "listenPort">,
  domains: readonly Domain[],
): string {
  return `${listenerHost(host, service, domains) ?? host}:${listenPortOf(service)}`;
}

/**
 * Longest name of a listener, in characters, without the port that streams append. Istio names a port of its Service after a port's
 * first listener and cuts it at 63; cut behind a dash, the whole Service is invalid.
 */
const MAX_NAME = 63 - "---65535".length;

/**
 * `https` for the wildcard of the first domain, as hand-written Gateways call it; else `host-example-com` or `wildcard-example-com`.
 * Without dots, by which Istio takes names of route tables apart; a dash is doubled, so that no two host names have one name.
 */
export function listenerName(hostname: string, domains: readonly Pick<Domain, "domain">[] = []): string {
  const [first] = domains;
  if (first !== undefined && hostname === `*.${first.domain}`) {
    return "https";
  }
  if (hostname === ANY_HOST) {
    return "any-host";
  }
  const isWildcard = hostname.startsWith("*.");
  const text = hostname.replace(/^\*\./, "").replaceAll("-", "--").replaceAll(".", "-");
  const hash = createHash("sha256").update(hostname).digest("hex").slice(0, 8);
  const name = `${isWildcard ? "wildcard" : "host"}-${text}`;
  const suffix = `---${hash}`;
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - suffix.length).replace(/-+$/, "")}${suffix}`;
}

/** `https` on port 443, and `https---8443` on another. @param name Of the listener for the same hosts on port 443. */
export function nameOnPort(name: string, port: number): string {
  return port === HTTPS_PORT ? name : `${name}---${port}`;
}

/** A host of a service, and the listener and the certificates that it needs. */
interface Placed {
  readonly key: string;
  readonly hostname: string;
  readonly port: number;
  readonly namespace: string;
  readonly certificates: readonly StackCertificate[];
  readonly clientCertificates: HostClientCertificates | undefined;
}

/** The https listeners that the services' hosts need, by name, and the certificates of each host. */
export function resolveListeners(parsed: ParsedStack): { listeners: Listener[]; certificates: StackCertificate[] } {
  const domains = domainsOf(parsed);
  const placed = parsed.services.flatMap((service) =>
    hostsOf(service, domains).map(({ host }): Placed => ({
      key: listenerKey(host, service, domains),
      hostname: listenerHost(host, service, domains) ?? host,
      port: listenPortOf(service),
      namespace: service.namespace,
      certificates: certificatesOf(host, service, parsed, domains),
      clientCertificates: service.clientCertificates,
    })),
  );
  return {
    listeners: [...grouped(placed, ({ key }) => key).values()].map((group) => listener(group, domains)).sort(byName),
    certificates: placed.flatMap(({ certificates }) => certificates),
  };
}

/** The config check ensures that all hosts of a listener have the same certificates. */
function listener(group: readonly [Placed, ...Placed[]], domains: readonly Domain[]): Listener {
  const [{ hostname, port }] = group;
  return {
    name: nameOnPort(listenerName(hostname, domains), port),
    hostname: hostname === ANY_HOST ? undefined : hostname,
    port,
    secretNames: group[0].certificates.map(({ config }) => config.secretName),
    namespaces: [...new Set(group.map(({ namespace }) => namespace))].sort(),
    clientCertificates: group[0].clientCertificates,
  };
}

/** What a service says of its listeners without TLS. */
interface PlacedService {
  readonly namespace: string;
  readonly hosts: readonly { readonly host: string; readonly plainListener: string | undefined }[];
}

/** The listeners of services that are served without TLS too, by name: one for each host, since others are redirected. */
export function resolvePlainListeners(services: readonly PlacedService[]): PlainListener[] {
  const placed = services.flatMap(({ hosts, namespace }) =>
    hosts.flatMap(({ host, plainListener }) =>
      plainListener === undefined ? [] : [{ plainListener, host, namespace }],
    ),
  );
  return [...grouped(placed, ({ plainListener }) => plainListener)]
    .map(([name, group]) => ({
      name,
      hostname: group[0].host,
      namespaces: [...new Set(group.map(({ namespace }) => namespace))].sort(),
    }))
    .sort(byName);
}

function byName(a: Pick<Listener, "name">, b: Pick<Listener, "name">): number {
  return a.name < b.name ? -1 : 1;
}
