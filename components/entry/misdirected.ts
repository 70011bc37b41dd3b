import type { StackConfig } from "../../config";
import { ANY_HOST, covers } from "../../config/resolve/domains";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { abortFilter } from "../shared/abortFilter";
import { filterByRoute, hostKey, misdirectedKey, NO_HOST } from "../shared/filterByRoute";

/** A host that the stack serves, in whatever way. */
interface Served {
  readonly host: string;
  readonly listener: string;
  readonly port: number;
}

/**
 * Answers 421 to requests for hosts that the stack has, but not on the listener of their connection: browsers send them over a
 * connection that they have, if its certificate covers both hosts, and repeat them over a new one after a 421 (RFC 9110, section
 * 15.5.20). Istio looks for the host among those of the connection's listener alone, and answers 404 (istio#52853), or lets a wildcard
 * of that listener answer. Other hosts still get 404, as the Gateway API asks. Empty for a single listener. If a patch does not apply,
 * no request reaches another service than that of its connection.
 */
export function misdirectedPatches({ services, streams }: Pick<StackConfig, "services" | "streams">): ConfigPatch[] {
  const all = [...services.flatMap(ofService), ...streams.flatMap(ofStream)];
  if (new Set(all.map(({ listener }) => listener)).size < 2) {
    return [];
  }
  const named = all.filter(({ host }) => host !== ANY_HOST);
  const keys = named.filter(({ host }) => !host.startsWith("*")).flatMap((served) => keysOf(served, all));
  const wildcards = named.filter(({ host }) => host.startsWith("*")).flatMap((served) => keysOf(served, all));
  const regex = [...new Set(wildcards)].map(expression).join("|");
  return filterByRoute({
    feature: "misdirected",
    place: "first",
    by: "misdirected",
    filters: new Map(keys.map((key) => [key, MISDIRECTED])),
    pattern: wildcards.length === 0 ? undefined : { regex, filter: MISDIRECTED },
  });
}

function ofService({ hosts, listenPort: port }: StackConfig["services"][number]): Served[] {
  return hosts.map(({ host, listener }) => ({ host, listener, port }));
}

/** Browsers send requests for these too, if a certificate of the gateway covers them. */
function ofStream({ listeners, listenPort: port }: StackConfig["streams"][number]): Served[] {
  return listeners.flatMap(({ name, hostname: host }) => (host === undefined ? [] : [{ host, listener: name, port }]));
}

/** The keys of requests for a host where no host of the connection matches it, or a wildcard of another listener. */
function keysOf({ host, listener, port }: Served, all: readonly Served[]): string[] {
  const covering = all.filter(
    (other) =>
      other.listener !== listener &&
      other.port === port &&
      other.host !== host &&
      (other.host === ANY_HOST || covers(other.host, host)),
  );
  const matched = [...new Set(covering.map((other) => hostKey(other.host, port)))];
  return [NO_HOST, ...matched].map((where) => misdirectedKey(where, host, port));
}

/** Matches a key whose host is a wildcard; where it was matched is one text. */
function expression(key: string): string {
  const [where = "", host = ""] = key.split("_");
  const literal = (text: string) => text.replaceAll(".", "\\.");
  return `${literal(where).replace("*", "\\*")}_${literal(host).replace("*", "[^.]+")}`;
}

const MISDIRECTED = abortFilter(421);
