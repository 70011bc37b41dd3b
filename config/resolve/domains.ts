import type { ParsedCertificate } from "../schema/certificate/certificate";
import type { ParsedStack } from "../schema/stack";

/** A domain of a stack, and where it is configured. */
export interface Domain {
  readonly domain: string;
  /** Undefined: the stack's. */
  readonly certificate: ParsedCertificate | undefined;
  /** `domain`, or `domains[1]`. */
  readonly at: string;
}

/** The domains of a stack, in the order of the list. The first is that of hosts that are derived from names. */
export function domainsOf({ domain, domains = [] }: Partial<Pick<ParsedStack, "domain" | "domains">>): Domain[] {
  return [
    ...(domain === undefined ? [] : [{ domain, certificate: undefined, at: "domain" }]),
    ...domains.map((entry, index) => ({ ...entry, certificate: entry.certificate, at: `domains[${index}]` })),
  ];
}

/** The domain whose certificate covers a host: the one that the host is the apex of, or else one label below. */
export function domainOf(host: string, domains: readonly Domain[]): Domain | undefined {
  if (host === ANY_HOST) {
    return domains[0];
  }
  const parent = host.slice(host.indexOf(".") + 1);
  return domains.find(({ domain }) => domain === host) ?? domains.find(({ domain }) => domain === parent);
}

/** Whether a host or a wildcard covers a host, or all of another wildcard: every name below it, as in the Gateway API. */
export function covers(pattern: string, host: string): boolean {
  return host === pattern || (pattern.startsWith("*.") && host.endsWith(pattern.slice(1)));
}

/** The host of a service that serves whatever no other does. */
export const ANY_HOST = "*";
