import type { ParsedCertificate } from "../schema/certificate/certificate";
import { hours } from "../values/duration";

export type CertificateConfig = ReturnType<typeof resolveCertificate>;
export type IssuedCertificateConfig = Extract<CertificateConfig, { type: "self-signed" | "ca-signed" }>;

/** Fills in defaults that depend on the domain and on other keys. */
export function resolveCertificate(certificate: ParsedCertificate, domain: string, gateway: string) {
  const name = certificate.secretName ?? defaultSecretName(domain, gateway);
  return certificate.type === "self-signed" || certificate.type === "ca-signed"
    ? { ...certificate, secretName: name, renewBefore: certificate.renewBefore ?? thirdOf(certificate.validity) }
    : { ...certificate, secretName: name };
}

/** A third of the lifetime, in whole days: time to notice a failed renewal and repeat it. */
function thirdOf(validity: string): string {
  return `${Math.ceil(hours(validity) / 24 / 3) * 24}h`;
}

/** `edge--wildcard-zzppjj-top-tls` for zzppjj.top: another gateway in the namespace may serve the domain too. */
export function defaultSecretName(domain: string, gateway: string): string {
  return `${gateway}--wildcard-${domain.replaceAll(".", "-").slice(0, 50).replace(/-+$/, "")}-tls`;
}
