import { z } from "zod";
import { durationBetween, objectName, pem } from "../fields";

/** A year and a month: clients refuse longer leaves whoever signed them, or soon will. */
const MAX_VALIDITY = "398d";

export const KEY_ALGORITHMS = ["rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256"] as const;

export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

/** What is set of a certificate that is made here. */
const made = {
  keyAlgorithm: z
    .enum(KEY_ALGORITHMS, `one of ${KEY_ALGORITHMS.join(", ")}`)
    .default("rsa-2048")
    .describe("Algorithm of the private key; a change makes a new key. ecdsa-p256 costs the gateway the least CPU."),
  validity: durationBetween("2d", MAX_VALIDITY, "hours", "90d")
    .prefault("90d")
    .describe("Lifetime of the certificate; at most 100d if `protect` is true."),
  renewBefore: durationBetween("0s", MAX_VALIDITY, "hours", "30d")
    .optional()
    .describe(
      "A `pulumi up` this close to the end makes a new certificate. Default: a third of validity, in whole days.",
    ),
};

const secretName = objectName
  .optional()
  .describe(
    "Name of the kubernetes.io/tls Secret. Default: the Gateway's name, `--wildcard-` and the domain with dashes, then `-tls`.",
  );

const selfSigned = z.strictObject({ type: z.literal("self-signed"), secretName, ...made });

const caSigned = z.strictObject({
  type: z.literal("ca-signed"),
  secretName,
  ...made,
  caCertificate: pem("a CA certificate in PEM").describe(
    "Certificate of your CA in PEM; those of the CAs above it may follow. The gateway sends all but a root after the leaf.",
  ),
  caPrivateKey: pem("a CA private key in PEM")
    .describe("Private key of the CA in PEM, as a Pulumi secret (`pulumi config set --secret --path`).")
    .meta({ sealable: true }),
});

const existing = z.strictObject({
  type: z.literal("existing"),
  secretName: objectName.describe(
    "Name of a kubernetes.io/tls Secret in the Gateway's namespace. Not one made by this stack: a change of type deletes that.",
  ),
});

const certManager = z.strictObject({
  type: z.literal("cert-manager"),
  secretName,
  issuer: objectName.describe("Name of the cert-manager issuer."),
  issuerKind: z
    .enum(["ClusterIssuer", "Issuer"], "ClusterIssuer or Issuer")
    .default("ClusterIssuer")
    .describe("Kind of the issuer; an Issuer lives in the Gateway's namespace."),
});

/** Where the wildcard certificate comes from. */
export const certificateSchema = z
  .discriminatedUnion("type", [selfSigned, caSigned, existing, certManager], {
    error: "one of self-signed, ca-signed, existing, cert-manager",
  })
  .describe("Where the wildcard certificate comes from.");

export type ParsedCertificate = z.output<typeof certificateSchema>;
