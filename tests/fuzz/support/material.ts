import { testAuthority, type TestAuthority, type TestCertificate } from "../../support/certificates";
import { testIssuer } from "../../support/jwt";

/** Made once: keys take their time. */
export const ISSUER = testIssuer("https://issuer.test/realm");
export const AUTHORITY = testAuthority(1000);

export interface Material {
  readonly authority: TestAuthority;
  readonly other: TestAuthority;
  /** No CA. */
  readonly leaf: TestCertificate;
  /** A CA that ends before any certificate of the usual lifetime. */
  readonly brief: TestAuthority;
}

export async function material(): Promise<Material> {
  const [authority, other, leaf, brief] = await Promise.all([
    AUTHORITY,
    testAuthority(1000, true, "Other CA"),
    testAuthority(1000, false, "No CA"),
    testAuthority(10, true, "Brief CA"),
  ]);
  return { authority, other, leaf, brief };
}

/** Texts that nothing may show: neither an object other than a Secret, nor an error. */
export const SECRETS = { password: "hunter2-of-redis", kubeconfig: "hunter3-of-kubeconfig" } as const;
