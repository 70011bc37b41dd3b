import type { Service } from "../../config";
import type { Listener } from "../../config/resolve/listeners";
import { grouped } from "../../config/values/grouped";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { HTTPS_PORT } from "../shared/naming";

export interface MisdirectedArgs {
  /** The https listeners: `listeners` of `gatewayConfig()`. */
  readonly listeners: readonly Pick<Listener, "name" | "hostname">[];
  /** What they serve: `services` of the same. */
  readonly services: readonly Pick<Service, "hosts">[];
}

/**
 * Answers 421 to requests for hosts of another listener: browsers send them over a connection that they have, if its certificate
 * covers both hosts, and repeat them over a new one after a 421 (RFC 9110, section 15.5.20). Istio looks for the host among those of
 * the connection's listener alone, and refuses it with 404 (istio#52853); here that answer gets another status. A host that no listener
 * has keeps its 404, as the Gateway API asks. Empty for a single listener. If a patch does not apply, requests are still refused.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/local_reply
 */
export function misdirectedPatches({ listeners, services }: MisdirectedArgs): ConfigPatch[] {
  return listeners.flatMap((listener) => {
    const { hostname } = listener;
    const brought = broughtTo(listener, services);
    const others = listeners
      .flatMap((other) => other.hostname ?? [])
      .filter((other) => other !== hostname && !brought.has(other));
    // The listener for every host has no server name by which a patch could find it; it serves what nobody else has.
    return hostname === undefined || others.length === 0 ? [] : [patch(hostname, others)];
  });
}

/**
 * Hosts that Istio puts in the route table of a listener: of each route that attaches to it, all that its host name matches, at any
 * depth, also those that another listener takes.
 */
function broughtTo(
  { name, hostname = "*" }: MisdirectedArgs["listeners"][number],
  services: MisdirectedArgs["services"],
): ReadonlySet<string> {
  const routes = services.flatMap(({ hosts }) => [...grouped(hosts, ({ redirect }) => redirect).values()]);
  const attached = routes.filter((hosts) => hosts.some(({ listener }) => listener === name));
  return new Set(attached.flatMap((hosts) => hosts.map(({ host }) => host).filter((host) => isBelow(host, hostname))));
}

/** Whether a pattern takes whatever another does. */
function isBelow(host: string, pattern: string): boolean {
  return pattern.startsWith("*") ? host !== pattern && host.endsWith(pattern.slice(1)) : host === pattern;
}

function patch(hostname: string, others: readonly string[]): ConfigPatch {
  // What is within the listener's own name is another's all the same; of a wider one, its own is not.
  const [narrower, wider] = [
    others.filter((other) => isBelow(other, hostname)),
    others.filter((other) => !isBelow(other, hostname)),
  ];
  const filters = [
    ...(narrower.length === 0 ? [] : [authority(narrower)]),
    ...(wider.length === 0 ? [] : [{ and_filter: { filters: [authority(wider), authority([hostname], true)] } }]),
  ];
  const filter = filters.length === 1 ? filters[0] : { or_filter: { filters } };
  return {
    applyTo: "NETWORK_FILTER",
    match: {
      context: "GATEWAY",
      listener: { portNumber: HTTPS_PORT, filterChain: { sni: hostname, filter: { name: CONNECTION_MANAGER } } },
    },
    patch: {
      operation: "MERGE",
      value: {
        name: CONNECTION_MANAGER,
        typed_config: {
          "@type": `type.googleapis.com/${CONNECTION_MANAGER.replace("envoy.", "envoy.extensions.")}.v3.HttpConnectionManager`,
          local_reply_config: { mappers: [{ filter, status_code: 421 }] },
        },
      },
    },
  };
}

const CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";

/** Requests for some hosts, in any case and with any port. */
function authority(hosts: readonly string[], isInverted = false): Record<string, unknown> {
  const patterns = hosts.map((host) => host.replaceAll(".", "\\.").replace(/^\*/, "[^:]+"));
  const regex = `(?i)(${patterns.join("|")})(:[0-9]+)?`;
  const header = { name: ":authority", string_match: { safe_regex: { regex } } };
  return { header_filter: { header: isInverted ? { ...header, invert_match: true } : header } };
}
