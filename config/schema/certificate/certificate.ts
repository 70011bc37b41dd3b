import { z } from "zod";
import { durationBetween, objectName, pem } from "../fields";

/** A year and a month: clients refuse longer leaves whoever signed them, or soon will. */
const MAX_VALIDITY = "398d";

export const KEY_ALGORITHMS = ["rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256"] as const;

export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

const keyAlgorithm = z.enum(KEY_ALGORITHMS, `one of ${KEY_ALGORITHMS.join(", ")}`);

/** Istio serves at most two certificates on a listener. */
const TWO = 2;

const names = z
  .enum(["wildcard", "hosts"], "wildcard or hosts")
  .default("wildcard")
  .describe(
    "Names of the certificate: each domain and its wildcard, or only the hosts that services have, for issuers that sign no wildcard. With hosts, a further host means a new certificate.",
  );

const keyAlgorithms = z
  .union(
    [
      keyAlgorithm,
      z
        .array(keyAlgorithm, "a list of two algorithms")
        .length(TWO, "two algorithms, one of RSA and one of ECDSA")
        .refine(([a = "", b = ""]) => a.startsWith("rsa") !== b.startsWith("rsa"), {
          error: "two algorithms, one of RSA and one of ECDSA",
        }),
    ],
    `one of ${KEY_ALGORITHMS.join(", ")}, or a list of two`,
  )
  .default("rsa-2048")
  .describe(
    "Algorithm of the private key. A change makes a new key. ecdsa-p256 costs the gateway the least CPU. A list, such as [ecdsa-p256, rsa-2048], makes two certificates, and each client gets the one that it can check.",
  );

/** What is set of a certificate that is made here. */
const made = {
  keyAlgorithm: keyAlgorithms,
  names,
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
    "Name of the kubernetes.io/tls Secret. Default: the Gateway's name, `--wildcard-` and the first domain with dashes, then `-tls`; with `--domain-` for a domain's own, `--host-` for a service's own.",
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
  secretName: z
    .union(
      [objectName, z.array(objectName, "a list of two names").length(TWO, "two names, of one RSA and one ECDSA key")],
      "an object's name, or a list of two",
    )
    .describe(
      "Name of a kubernetes.io/tls Secret in the Gateway's namespace, or a list of two, one with an RSA and one with an ECDSA key. Not one made by this stack: a change of type deletes that.",
    ),
});

/** What is set of a certificate that cert-manager is asked for. */
const requested = {
  type: z.literal("cert-manager"),
  secretName,
  keyAlgorithm: keyAlgorithms,
  issuer: objectName.describe("Name of the cert-manager issuer."),
  issuerKind: z
    .enum(["ClusterIssuer", "Issuer"], "ClusterIssuer or Issuer")
    .default("ClusterIssuer")
    .describe("Kind of the issuer; an Issuer lives in the Gateway's namespace."),
};

const certManager = z.strictObject({ ...requested, names });

/** Where a certificate comes from. */
export const certificateSchema = z
  .discriminatedUnion("type", [selfSigned, caSigned, existing, certManager], {
    error: "one of self-signed, ca-signed, existing, cert-manager",
  })
  .describe("Where the certificate comes from that covers all domains without one of their own.");

/** Where the certificate of a service's hosts comes from. Its names are these hosts. */
export const ownCertificateSchema = z.discriminatedUnion("type", [existing, z.strictObject(requested)], {
  error: "either existing or cert-manager",
});

export type ParsedCertificate = z.output<typeof certificateSchema>;
export type ParsedOwnCertificate = z.output<typeof ownCertificateSchema>;
