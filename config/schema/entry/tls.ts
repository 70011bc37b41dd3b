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
  clientCertificates: clientCertificatesSchema
    .optional()
    .describe("Ask clients for a certificate. Needs the CRDs of Gateway API 1.5. Default: clients need none."),
});
