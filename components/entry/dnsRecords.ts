import { isIP } from "node:net";
import type { Service, StackConfig } from "../../config";
import { hostsOf } from "../../config/resolve/model";
import { DEFAULT_DNS_TTL } from "../../config/schema/entry/externalDns";
import { seconds } from "../../config/values/duration";

/**
 * Zone-file lines (RFC 1035, section 5) that point each host at the gateway, or at `externalDns.target`: A for an IPv4 address, AAAA
 * for IPv6, CNAME for a name. Empty while there is nothing to point at, or only a name that nobody outside the cluster can resolve.
 * external-dns publishes the same, as far as it is to.
 */
export function dnsRecords(config: Published, addresses: readonly string[]): string[] {
  const { target = addresses } = config.gateway.externalDns ?? {};
  const targets = [target].flat().filter(isPublic);
  const ttls = new Map([
    ...config.services.flatMap(({ hosts, externalDns }) =>
      hosts.map(({ host }) => [host, ttlOf(externalDns)] as const),
    ),
    ...config.streams.flatMap(({ listeners, externalDns }) =>
      listeners.map(({ hostname = "" }) => [hostname, ttlOf(externalDns)] as const),
    ),
  ]);
  return hostsOf(config)
    .sort()
    .flatMap((host) => targets.map((address) => `${host}. ${line(address, ttls.get(host) ?? DEFAULT_DNS_TTL)}`));
}

type Published = Pick<StackConfig, "gateway" | "services" | "streams">;

function ttlOf(externalDns: Service["externalDns"]): string {
  return (externalDns === false ? undefined : externalDns?.ttl) ?? DEFAULT_DNS_TTL;
}

function line(address: string, ttl: string): string {
  const type = { 0: "CNAME", 4: "A", 6: "AAAA" }[isIP(address)] ?? "CNAME";
  return `${seconds(ttl)} IN ${type} ${type === "CNAME" ? `${address}.` : address}`;
}

/** Istio reports the name of a Service that has no other address. */
function isPublic(address: string): boolean {
  return !address.endsWith(".svc.cluster.local");
}
