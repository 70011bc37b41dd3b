import type { Service, StackConfig } from "../config";
import { ANY_HOST } from "../config/resolve/domains";
import { HTTPS_PORT, httpsUrl } from "../config/resolve/protocols";

/** A name that a client can ask for: for a wildcard, one that it covers. */
export function sampleOf(host: string): string {
  return host === ANY_HOST ? "verify-any-host.example" : host.replace(/^\*\./, "verify-wildcard.");
}

/** The URLs of every name that a service serves, without a path. */
export function servedUrls({ hosts, listenPort }: Service): string[] {
  return hosts.filter(({ redirect }) => redirect === undefined).map(({ host }) => httpsUrl(sampleOf(host), listenPort));
}

/** A name that some service has, and its port of https. */
export function someHost({ services, domains }: StackConfig): { host: string; port: number } {
  const [first] = services;
  return { host: sampleOf(first?.host ?? domains[0] ?? ANY_HOST), port: first?.listenPort ?? HTTPS_PORT };
}

/** The URL of a name that a listener takes but no service has; undefined if every listener's name is served. */
export function unservedUrl({ listeners, services }: StackConfig): string | undefined {
  const hosts = new Set(services.flatMap((service) => service.hosts.map(({ host }) => host)));
  const wildcard = listeners.find(({ hostname }) => hostname?.startsWith("*.") === true && !hosts.has(hostname));
  return hosts.has(ANY_HOST) || wildcard?.hostname === undefined
    ? undefined
    : `${httpsUrl(wildcard.hostname.replace(/^\*/, "verify-unknown"), wildcard.port)}/`;
}
