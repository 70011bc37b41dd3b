import type { ParsedCertificate } from "../schema/certificate/certificate";

export type CertificateConfig = ReturnType<typeof resolveCertificate>;
export type IssuedCertificateConfig = Extract<CertificateConfig, { mode: "self-signed" | "ca-signed" }>;

/** Fills in what depends on the domain and on other keys. */
export function resolveCertificate(certificate: ParsedCertificate, domain: string) {
  const name = certificate.secretName ?? defaultSecretName(domain);
  return certificate.mode === "self-signed" || certificate.mode === "ca-signed"
    ? { ...certificate, secretName: name, renewBeforeDays: renewBeforeDays(certificate) }
    : { ...certificate, secretName: name };
}

/** A third of the lifetime is left for a renewal to be noticed, and repeated. */
function renewBeforeDays(terms: { validityDays: number; renewBeforeDays?: number | undefined }): number {
  return terms.renewBeforeDays ?? Math.ceil(terms.validityDays / 3);
}

/** `wildcard-zzppjj-top-tls` for zzppjj.top, cut to the 63 characters of a DNS label. */
export function defaultSecretName(domain: string): string {
  return `wildcard-${domain.replaceAll(".", "-").slice(0, 50).replace(/-+$/, "")}-tls`;
}
