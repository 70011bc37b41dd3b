import { X509Certificate } from "node:crypto";

/** Stands for a value that is encrypted in a stack file and was not decrypted: its content is not checked. */
export const SEALED = "[sealed]";

/** The certificates of a PEM text, each as PEM with a line end, in their order. */
export function certificateBlocks(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => `${block}\n`);
}

/** The certificates of a PEM text in their order; undefined where there is none, or one that cannot be read. */
export function certificatesIn(text: string): X509Certificate[] | undefined {
  try {
    const certificates = certificateBlocks(text).map((block) => new X509Certificate(block));
    return certificates.length === 0 ? undefined : certificates;
  } catch {
    return undefined;
  }
}

/** A root: it vouches for itself, so a client that trusts it has it, and a server need not send it. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}
