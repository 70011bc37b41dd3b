import { createHash } from "node:crypto";
import type { HostClientCertificates } from "../schema/entry/clientCertificates";
import type { ParsedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";
import { grouped } from "../values/grouped";
import { certificatesOf, merged, namesFor, type StackCertificate } from "./certificates";
import { ANY_HOST, type Domain, domainOf, domainsOf } from "./domains";
import { hostsOf } from "./hosts";

/** An https listener: the hosts that it takes, and what it needs for them. */
export interface Listener {
  /** Its name in the Gateway: see `listenerName`. A further domain at the end of the list renames none. */
  readonly name: string;
  /** A host, a wildcard, or undefined for every host. */
  readonly hostname: string | undefined;
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

/** A host of a service, and the listener and the certificates that it needs. */
interface Placed {
  readonly hostname: string;
  readonly namespace: string;
  readonly certificates: readonly StackCertificate[];
  readonly clientCertificates: HostClientCertificates | undefined;
}

/** The https listeners that the services' hosts need, by name, and the certificates that these serve. */
export function resolveListeners(parsed: ParsedStack): { listeners: Listener[]; certificates: StackCertificate[] } {
  const domains = domainsOf(parsed);
  const placed = parsed.services.flatMap((service) =>
    hostsOf(service, domains).map(({ host }): Placed => {
      const dnsNames = namesFor(host, service, parsed, domains);
      return {
        hostname: listenerHost(host, service, domains) ?? host,
        namespace: service.namespace,
        certificates: certificatesOf(host, service, parsed, domains).map((use) => ({ ...use, dnsNames })),
        clientCertificates: service.clientCertificates,
      };
    }),
  );
  const all = placed.flatMap(({ certificates }) => certificates);
  return {
    listeners: [...grouped(placed, ({ hostname }) => hostname)]
      .map(([hostname, group]) => listener(hostname, group, domains))
      .sort(byName),
    certificates: merged(all),
  };
}

/** The config check ensures that all hosts of a listener have the same certificates. */
function listener(hostname: string, group: readonly [Placed, ...Placed[]], domains: readonly Domain[]): Listener {
  return {
    name: listenerName(hostname, domains),
    hostname: hostname === ANY_HOST ? undefined : hostname,
    secretNames: group[0].certificates.map(({ config }) => config.secretName),
    namespaces: [...new Set(group.map(({ namespace }) => namespace))].sort(),
    clientCertificates: group[0].clientCertificates,
  };
}

function byName(a: Listener, b: Listener): number {
  return a.name < b.name ? -1 : 1;
}
