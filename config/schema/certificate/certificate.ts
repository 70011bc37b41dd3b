import { z } from "zod";
import { dnsLabel, pem, wholeNumber } from "../fields";

/** A year and a month: clients refuse longer leaves whoever signed them, or soon will. */
const MAX_VALIDITY_DAYS = 398;

export const KEY_ALGORITHMS = ["RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256"] as const;

export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

/** What is set of a certificate that is made here. */
const made = {
  keyAlgorithm: z
    .enum(KEY_ALGORITHMS, `one of ${KEY_ALGORITHMS.join(", ")}`)
    .default("RSA-2048")
    .describe(
      "Algorithm of the private key; a change makes a new key. ECDSA-P256 costs the gateway least; default RSA-2048.",
    ),
  validityDays: wholeNumber(2, MAX_VALIDITY_DAYS, "days")
    .default(90)
    .describe("Lifetime of the certificate. Unit: days; 2 to 398, at most 100 where `protect` is true; default 90."),
  renewBeforeDays: wholeNumber(0, MAX_VALIDITY_DAYS, "days")
    .optional()
    .describe(
      "A `pulumi up` this close to the end makes a new certificate. Unit: days; default a third of validityDays.",
    ),
};

const secretName = dnsLabel
  .optional()
  .describe("Name of the kubernetes.io/tls Secret. Default: `wildcard-` and the domain with dashes, then `-tls`.");

const selfSigned = z.strictObject({ mode: z.literal("self-signed"), secretName, ...made });

const caSigned = z.strictObject({
  mode: z.literal("ca-signed"),
  secretName,
  ...made,
  caCertificate: pem("a CA certificate in PEM").describe(
    "Certificate of the company CA in PEM; those of the CAs above it may follow. All but a root are served after the leaf.",
  ),
  caPrivateKey: pem("a CA private key in PEM")
    .describe("Private key of the CA in PEM, as a Pulumi secret (`pulumi config set --secret --path`).")
    .meta({ sealable: true }),
});

const existing = z.strictObject({
  mode: z.literal("existing"),
  secretName: dnsLabel.describe(
    "Name of a kubernetes.io/tls Secret in the Gateway's namespace. Not one that this stack made: it goes when the mode changes.",
  ),
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

export type ParsedCertificate = z.output<typeof certificateSchema>;
