import { isIP } from "node:net";
import { DEFAULT_DNS_TTL } from "../../config/schema/entry/gateway";
import { seconds } from "../../config/values/duration";

/**
 * Zone-file lines (RFC 1035, section 5) that point each host at the gateway: A for an IPv4 address, AAAA for IPv6, CNAME for a
 * name. Empty while the gateway has no address, or only one that nobody outside the cluster can resolve. external-dns publishes
 * the same.
 */
export function dnsRecords(hosts: readonly string[], addresses: readonly string[], ttl = DEFAULT_DNS_TTL): string[] {
  const targets = addresses.filter(isPublic).map((address) => {
    const type = { 0: "CNAME", 4: "A", 6: "AAAA" }[isIP(address)] ?? "CNAME";
    return `${seconds(ttl)} IN ${type} ${type === "CNAME" ? `${address}.` : address}`;
  });
  return [...new Set(hosts)].sort().flatMap((host) => targets.map((target) => `${host}. ${target}`));
}

/** Istio reports the name of a Service that has no other address. */
function isPublic(address: string): boolean {
  return !address.endsWith(".svc.cluster.local");
}
