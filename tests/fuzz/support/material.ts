import { testAuthority, type TestAuthority, type TestCertificate } from "../../support/certificates";
import { testIssuer } from "../../support/jwt";

/** Created once, since keys take time. */
export const ISSUER = testIssuer("https://issuer.test/realm");
export const AUTHORITY = testAuthority(1000);

export interface Material {
  readonly authority: TestAuthority;
  readonly other: TestAuthority;
  /** Not a CA. */
  readonly leaf: TestCertificate;
  /** A CA that expires before any certificate with the usual lifetime. */
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

/** Texts that must not appear in any error, or in any object except a Secret. */
export const SECRETS = { password: "hunter2-of-redis", kubeconfig: "hunter3-of-kubeconfig" } as const;
