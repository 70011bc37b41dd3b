import { z } from "zod";
import { pem } from "../fields";

/** Which CAs sign clients' certificates, and which of those are revoked. */
const authorities = {
  caCertificate: pem("CA certificates in PEM").describe(
    "Certificates of the CAs that sign clients' certificates, in PEM.",
  ),
  crl: pem("certificate revocation lists in PEM")
    .optional()
    .describe(
      "Revocation lists of these CAs, in PEM: one of each CA, or every certificate is refused, and so it is when a list has expired. Default: nothing is revoked.",
    ),
};

/** Which clients may connect to the https listeners, by the certificates that they show. */
export const clientCertificatesSchema = z.strictObject({
  ...authorities,
  mode: z
    .enum(["AllowValidOnly", "AllowInsecureFallback"], "AllowValidOnly or AllowInsecureFallback")
    .default("AllowValidOnly")
    .describe(
      "AllowValidOnly refuses clients without a valid certificate. AllowInsecureFallback lets every client in and leaves the check to the backends; Istio before 1.31 does not know it, and refuses them too.",
    ),
});

/** The same for the hosts of a service: connections to them need a valid certificate, and carry requests for no other host. */
export const hostClientCertificatesSchema = z.strictObject(authorities);

export type ClientCertificates = z.output<typeof clientCertificatesSchema>;
export type HostClientCertificates = z.output<typeof hostClientCertificatesSchema>;
