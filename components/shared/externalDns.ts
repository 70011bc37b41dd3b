/** external-dns reads only one of them: the second from 0.22 on, unless it is started with `--annotation-prefix`. */
const PREFIXES = ["external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/"] as const;

/**
 * An annotation for external-dns, whatever its version.
 * https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/
 */
export function externalDnsAnnotation(name: "controller" | "target" | "ttl", value: string): Record<string, string> {
  return Object.fromEntries(PREFIXES.map((prefix) => [`${prefix}${name}`, value]));
}
