import type { Problem } from "../problem";
import type { SoundStack } from "./soundStack";

/** Rules between the keys of the certificate. */
export function renewalProblems({ certificate }: SoundStack): Problem[] {
  if (
    certificate === undefined ||
    !("validityDays" in certificate) ||
    certificate.renewBeforeDays < certificate.validityDays
  ) {
    return [];
  }
  return [
    {
      path: "certificate.renewBeforeDays",
      value: certificate.renewBeforeDays,
      expected: `fewer days than validityDays (${certificate.validityDays}), or every update would renew`,
    },
  ];
}

/** Rules between the gateway and the certificate: the program's own keys are RSA, and need a suite that signs with RSA. */
export function cipherProblems({ gateway, certificate }: SoundStack): Problem[] {
  if (gateway === undefined || certificate === undefined) {
    return [];
  }
  const { cipherSuites } = gateway.tls;
  if (certificate.mode !== "self-signed" && certificate.mode !== "ca-signed") {
    return [];
  }
  if (cipherSuites.some((suite) => suite.startsWith("ECDHE-RSA-"))) {
    return [];
  }
  const expected = "at least one ECDHE-RSA-… suite, since the certificate's key is RSA";
  return [{ path: "gateway.tls.cipherSuites", value: cipherSuites, expected }];
}
