import { z } from "zod";
import { pem } from "../fields";

/** Which clients may connect to the https listener, by the certificates that they show. */
export const clientCertificatesSchema = z.strictObject({
  caCertificate: pem("CA certificates in PEM").describe(
    "Certificates of the CAs that sign clients' certificates, in PEM.",
  ),
  mode: z
    .enum(["AllowValidOnly", "AllowInsecureFallback"], "AllowValidOnly or AllowInsecureFallback")
    .default("AllowValidOnly")
    .describe(
      "AllowValidOnly refuses clients without a valid certificate. AllowInsecureFallback lets every client in and leaves the check to the backends; Istio before 1.31 does not know it, and refuses them too.",
    ),
});

export type ClientCertificates = z.output<typeof clientCertificatesSchema>;
