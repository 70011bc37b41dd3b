import { X509Certificate } from "node:crypto";

/** Replaces an encrypted value of a stack file that was not decrypted: its content is not checked. */
export const SEALED = "[sealed]";

/** The certificates in a PEM text in order, each as PEM ending in a newline. */
export function certificateBlocks(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => `${block}\n`);
}

/** The same for certificate revocation lists. */
export function crlBlocks(text: string): string[] {
  const blocks = text.match(/-----BEGIN X509 CRL-----[\s\S]+?-----END X509 CRL-----/g) ?? [];
  return blocks.map((block) => `${block}\n`);
}

/** The certificates in a PEM text in order; undefined if there is none, or if one cannot be read. */
export function certificatesIn(text: string): X509Certificate[] | undefined {
  try {
    const certificates = certificateBlocks(text).map((block) => new X509Certificate(block));
    return certificates.length === 0 ? undefined : certificates;
  } catch {
    return undefined;
  }
}

/** Whether it is a root, that is, self-signed: clients that trust it already have it, so a server need not send it. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}
