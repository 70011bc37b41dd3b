import type { ServiceExternalDns } from "../../config/schema/entry/externalDns";
import { seconds } from "../../config/values/duration";

/** external-dns reads only one of them: the second from 0.22 on, unless it is started with `--annotation-prefix`. */
const PREFIXES = ["external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/"] as const;

/**
 * Annotations for external-dns, whatever its version. It reads `target` from a Gateway alone, the others from routes.
 * https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/
 */
export function externalDnsAnnotations(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => PREFIXES.map((prefix) => [`${prefix}${name}`, value])),
  );
}

/** external-dns skips objects of another controller than its own, whose value is `dns-controller`. */
export const UNPUBLISHED = externalDnsAnnotations({ controller: "none" });

/** Those of a route; undefined if nothing is set. */
export function routeAnnotations(config: ServiceExternalDns | false | undefined): Record<string, string> | undefined {
  if (config === undefined || config === false) {
    return config === false ? UNPUBLISHED : undefined;
  }
  const { ttl, annotations } = config;
  return externalDnsAnnotations({ ...annotations, ...(ttl === undefined ? {} : { ttl: String(seconds(ttl)) }) });
}
