import { createHash } from "node:crypto";
import type { KeyAlgorithm, ParsedCertificate, ParsedOwnCertificate } from "../schema/certificate/certificate";
import type { ParsedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";
import { hours } from "../values/duration";
import { grouped } from "../values/grouped";
import { type Domain, domainOf } from "./domains";
import { hostsOf } from "./hosts";

/** A certificate that a listener serves, and the names that it covers. */
export interface StackCertificate {
  /** Where it is configured: empty for the stack's, a domain, or the name of its Secret for one of hosts alone; unique. */
  readonly key: string;
  readonly config: CertificateConfig;
  /** What it covers; for an `existing` one, what it has to cover. */
  readonly dnsNames: readonly string[];
}

/** One certificate with one key: of a list of two, each is one. */
export type CertificateConfig = ReturnType<typeof single>;
export type IssuedCertificateConfig = Extract<CertificateConfig, { type: "self-signed" | "ca-signed" }>;

/** The certificates that serve a host, one or two. The config check ensures that there is something that covers it. */
export function certificatesOf(
  host: string,
  service: ParsedService,
  { certificate, gateway }: Pick<ParsedStack, "certificate" | "gateway">,
  domains: readonly Domain[],
): StackCertificate[] {
  if (service.certificate !== undefined) {
    const [first] = hostsOf(service, domains);
    const name = defaultSecretName("host", first?.host ?? host, gateway.name);
    return split(service.certificate, name).map((config) => ({ key: config.secretName, config, dnsNames: [host] }));
  }
  const domain = domainOf(host, domains);
  const isOwn = domain?.certificate !== undefined;
  const { domain: named = "" } = (isOwn ? domain : domains.find((entry) => entry.certificate === undefined)) ?? {};
  // Not one name for both: a certificate that moves between the two keys would be made and then deleted.
  const name = defaultSecretName(isOwn ? "domain" : "wildcard", named, gateway.name);
  const shared = domain?.certificate ?? certificate;
  const dnsNames = namesFor(host, domain, shared);
  return split(shared, name).map((config, place) => ({
    dnsNames,
    key: [...(isOwn ? [named] : []), ...(place === 0 ? [] : ["second"])].join("-"),
    config,
  }));
}

/** Each certificate once, by its Secret, with every name that is asked of it. */
export function merged(uses: readonly StackCertificate[]): StackCertificate[] {
  return [...grouped(uses, ({ config }) => config.secretName).values()].map((group) => ({
    ...group[0],
    dnsNames: [...new Set(group.flatMap(({ dnsNames }) => dnsNames))],
  }));
}

/** Names that a shared certificate needs for a host: the domain and its wildcard, or the host. */
function namesFor(host: string, domain: Domain | undefined, shared: ParsedCertificate): string[] {
  return domain === undefined || ("names" in shared && shared.names === "hosts")
    ? [host]
    : wildcardNames(domain.domain);
}

/** The wildcard, and the apex, which a wildcard does not match. */
function wildcardNames(domain: string): string[] {
  return [`*.${domain}`, domain];
}

/** Longest middle of a Secret's name, in characters. */
const MAX_MIDDLE = 59;

/**
 * `edge--wildcard-example-com-tls` for example.com: another gateway in the namespace may serve the domain too. A dash is doubled, and
 * what is cut ends with a hash, so that no two domains have one name.
 */
export function defaultSecretName(kind: string, host: string, gateway: string): string {
  const text = `${kind}-${host.replaceAll("-", "--").replace("*.", "any-").replaceAll(".", "-")}`;
  const hash = createHash("sha256").update(host).digest("hex").slice(0, 8);
  const middle =
    text.length <= MAX_MIDDLE ? text : `${text.slice(0, MAX_MIDDLE - hash.length - 1).replace(/-+$/, "")}-${hash}`;
  return `${gateway}--${middle}-tls`;
}

/** A configured certificate as one or two of a single key each, with a Secret each. */
function split(given: ParsedCertificate | ParsedOwnCertificate, defaultName: string) {
  if (given.type === "existing") {
    return [given.secretName].flat().map((secretName) => single({ ...given, secretName }, defaultName));
  }
  const [first, second] = [given.keyAlgorithm].flat() as [KeyAlgorithm, KeyAlgorithm?];
  const one = single({ ...given, keyAlgorithm: first }, defaultName);
  return second === undefined
    ? [one]
    : [one, { ...single({ ...given, keyAlgorithm: second }, defaultName), secretName: `${one.secretName}-${second}` }];
}

/** What is configured, with one key. */
type OneKey<T> = T extends { keyAlgorithm: unknown }
  ? Omit<T, "keyAlgorithm"> & { keyAlgorithm: KeyAlgorithm }
  : { type: "existing"; secretName: string };

/** Fills in the defaults. */
function single(certificate: OneKey<ParsedCertificate | ParsedOwnCertificate>, defaultName: string) {
  const secretName = certificate.secretName ?? defaultName;
  return certificate.type === "self-signed" || certificate.type === "ca-signed"
    ? { ...certificate, secretName, renewBefore: certificate.renewBefore ?? thirdOf(certificate.validity) }
    : { ...certificate, secretName };
}

/** A third of the lifetime, in whole days: time to notice a failed renewal and repeat it. */
function thirdOf(validity: string): string {
  return `${Math.ceil(hours(validity) / 24 / 3) * 24}h`;
}
