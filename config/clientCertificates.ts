import { z } from "zod";
import { pem } from "./pem";

/**
 * The first version of the Gateway API whose standard channel has `spec.tls.frontend`. Older CRDs drop the field in
 * silence: a listener that comes up then takes no client, for it has no CA, but one that runs stays as it was.
 */
export const CLIENT_CERTIFICATES_SINCE = "1.5.0";

/** Which clients may connect to the https listener, by the certificates that they show. */
export const clientCertificatesSchema = z.strictObject({
  caCertificate: pem("CA certificates in PEM").describe(
    "Certificates of the CAs that sign clients' certificates, in PEM.",
  ),
  mode: z
    .enum(["AllowValidOnly", "AllowInsecureFallback"], "AllowValidOnly or AllowInsecureFallback")
    .default("AllowValidOnly")
    .describe(
      "AllowValidOnly refuses clients without a valid certificate. AllowInsecureFallback lets every client in: the backends then have to judge.",
    ),
});

export type ClientCertificates = z.output<typeof clientCertificatesSchema>;
