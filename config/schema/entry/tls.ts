import { z } from "zod";
import { clientCertificatesSchema } from "./clientCertificates";

/**
 * TLS 1.2 cipher suites that the listener may offer: forward secrecy and AEAD only, in OpenSSL's names as Istio takes
 * them. TLS 1.3 suites are fixed by Envoy (BoringSSL) and are always offered.
 */
export const CIPHER_SUITES = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
] as const;

/**
 * Groups for the key exchange that the listener may offer, in Envoy's names: those of Mozilla's intermediate profile 5.8.
 * X25519MLKEM768 is X25519 joined with ML-KEM-768, so that whoever records a connection cannot decrypt it with a quantum computer
 * later. Every Envoy of Istio 1.27 and newer has it (its policy `pqc` asks for it), but before 1.40 none offers it on its own.
 * https://github.com/mozilla/ssl-config-generator/releases/tag/v5.8
 */
export const GROUPS = ["X25519MLKEM768", "X25519", "P-256", "P-384"] as const;

const LIST_OF_GROUPS = "a list of groups, or false for the groups of Envoy or the mesh";

/** TLS settings of the https listener. */
export const tlsSchema = z.strictObject({
  minVersion: z
    .enum(["1.2", "1.3"], '"1.2" or "1.3", as a text')
    .default("1.2")
    .describe("Oldest TLS version that is accepted. 1.3 is set by an EnvoyFilter on this gateway."),
  cipherSuites: z
    .array(z.enum(CIPHER_SUITES, `one of ${CIPHER_SUITES.join(", ")}`), "a list of cipher suites")
    .min(1, "at least one cipher suite")
    .optional()
    .describe("TLS 1.2 cipher suites in order of preference. Default: Mozilla's intermediate list."),
  groups: z
    .union(
      [
        z.literal(false, LIST_OF_GROUPS),
        z
          .array(z.enum(GROUPS, `one of ${GROUPS.join(", ")}`), "a list of groups")
          .min(1, "at least one group, or false for the groups of Envoy or the mesh")
          .refine((groups) => new Set(groups).size === groups.length, "each group once, or Envoy refuses all of them"),
      ],
      LIST_OF_GROUPS,
    )
    .default([...GROUPS])
    .describe(
      "Groups for the key exchange in order of preference, set by an EnvoyFilter on this gateway. The default is Mozilla's intermediate list. false leaves them to Envoy, or to the mesh (meshConfig.tlsDefaults.ecdhCurves).",
    ),
  clientCertificates: clientCertificatesSchema
    .optional()
    .describe("Ask clients for a certificate. Needs the CRDs of Gateway API 1.5. Default: clients need none."),
});

export type TlsConfig = z.output<typeof tlsSchema>;
