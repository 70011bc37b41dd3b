import type { Service } from "../../config";
import { ANY_HOST } from "../../config/resolve/domains";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { type FilterConfig, filterByRoute, misdirectedKey } from "../shared/filterByRoute";

/**
 * Answers 421 to requests for hosts that the stack has, but not on the listener of their connection: browsers send them over a
 * connection that they have, if its certificate covers both hosts, and repeat them over a new one after a 421 (RFC 9110, section
 * 15.5.20). Istio looks for the host among those of the connection's listener alone, and answers 404 (istio#52853). Other hosts still
 * get that, as the Gateway API asks. Empty for a single listener. If a patch does not apply, requests are refused all the same.
 */
export function misdirectedPatches(services: readonly Pick<Service, "hosts" | "listenPort">[]): ConfigPatch[] {
  const all = services.flatMap(({ hosts, listenPort }) => hosts.map((host) => ({ ...host, listenPort })));
  if (new Set(all.map(({ listener }) => listener)).size < 2) {
    return [];
  }
  const [wildcards, hosts] = [true, false].map((isWildcard) =>
    all
      .filter(({ host }) => host !== ANY_HOST && host.startsWith("*") === isWildcard)
      .map(({ host, listenPort }) => misdirectedKey(host, listenPort)),
  ) as [string[], string[]];
  const regex = [...new Set(wildcards)].map((key) => key.replaceAll(".", "\\.").replace("*", "[^.]+")).join("|");
  return filterByRoute({
    feature: "misdirected",
    place: "first",
    by: "misdirected",
    filters: new Map(hosts.map((key) => [key, MISDIRECTED])),
    pattern: wildcards.length === 0 ? undefined : { regex, filter: MISDIRECTED },
  });
}

/** Envoy's only filter that answers with a status of one's choice. */
const MISDIRECTED: FilterConfig = {
  "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
  abort: { http_status: 421, percentage: { numerator: 100, denominator: "HUNDRED" } },
};
