import type { Service, StackConfig } from "../config";
import { ANY_HOST } from "../config/resolve/domains";

/** A name that a client can ask for: for a wildcard, one that it covers. */
export function sampleOf(host: string): string {
  return host === ANY_HOST ? "verify-any-host.example" : host.replace(/^\*\./, "verify-wildcard.");
}

/** Every name that the services serve, for clients to ask for. */
export function servedHosts({ hosts }: Service): string[] {
  return hosts.filter(({ redirect }) => redirect === undefined).map(({ host }) => sampleOf(host));
}

/** A name that some service has. */
export function someHost({ services, domains }: StackConfig): string {
  return sampleOf(services[0]?.host ?? domains[0] ?? ANY_HOST);
}

/** A name that a listener takes but no service has; undefined if every listener's name is served. */
export function unservedHost({ listeners, services }: StackConfig): string | undefined {
  const hosts = new Set(services.flatMap((service) => service.hosts.map(({ host }) => host)));
  const wildcard = listeners.find(({ hostname }) => hostname?.startsWith("*.") === true && !hosts.has(hostname));
  return hosts.has(ANY_HOST) ? undefined : wildcard?.hostname?.replace(/^\*/, "verify-unknown");
}
