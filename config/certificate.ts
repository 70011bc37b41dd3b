import { z } from "zod";
import { dnsLabel, wholeNumber } from "./fields";

/** One year and a month: no public client accepts a longer leaf (CA/Browser Forum baseline, section 6.3.2). */
const MAX_VALIDITY_DAYS = 398;

const lifetime = {
  validityDays: wholeNumber(1, MAX_VALIDITY_DAYS, "days")
    .default(90)
    .describe("Lifetime of the certificate. Unit: days; 1 to 398; default 90."),
  renewBeforeDays: wholeNumber(0, MAX_VALIDITY_DAYS, "days")
    .default(30)
    .describe("A `pulumi up` this close to the end makes a new certificate. Unit: days; default 30."),
};

const secretName = dnsLabel
  .optional()
  .describe("Name of the kubernetes.io/tls Secret. Default: `wildcard-` and the domain with dashes, then `-tls`.");

/** Stands for a value that is encrypted in a stack file and was not decrypted: its content is not checked. */
export const SEALED = "[sealed]";

const pem = (what: string) =>
  z.string(what).refine((text) => text === SEALED || /-----BEGIN [A-Z ]+-----/.test(text), what);

const selfSigned = z.strictObject({ mode: z.literal("self-signed"), secretName, ...lifetime });

const caSigned = z.strictObject({
  mode: z.literal("ca-signed"),
  secretName,
  ...lifetime,
  caCertificate: pem("a CA certificate in PEM").describe(
    "Certificate of the company CA in PEM; intermediates follow it. It is served after the leaf.",
  ),
  caPrivateKey: pem("a CA private key in PEM")
    .describe("Private key of the CA in PEM, as a Pulumi secret (`pulumi config set --secret --path`).")
    .meta({ sealable: true }),
});

const existing = z.strictObject({
  mode: z.literal("existing"),
  secretName: dnsLabel.describe("Name of a kubernetes.io/tls Secret that lives in the Gateway's namespace."),
});

const certManager = z.strictObject({
  mode: z.literal("cert-manager"),
  secretName,
  issuer: dnsLabel.describe("Name of the cert-manager issuer."),
  issuerKind: z
    .enum(["ClusterIssuer", "Issuer"], "ClusterIssuer or Issuer")
    .default("ClusterIssuer")
    .describe("Kind of the issuer; an Issuer lives in the Gateway's namespace."),
});

/** Where the wildcard certificate comes from. */
export const certificateSchema = z
  .discriminatedUnion("mode", [selfSigned, caSigned, existing, certManager], {
    error: "one of self-signed, ca-signed, existing, cert-manager",
  })
  .describe("Where the wildcard certificate comes from.");

export type CertificateConfig = z.output<typeof certificateSchema>;
export type IssuedCertificateConfig = Extract<CertificateConfig, { mode: "self-signed" | "ca-signed" }>;

/** `wildcard-zzppjj-top-tls` for zzppjj.top, cut to the 63 characters of a DNS label. */
export function defaultSecretName(domain: string): string {
  return `wildcard-${domain.replaceAll(".", "-").slice(0, 50).replace(/-+$/, "")}-tls`;
}
