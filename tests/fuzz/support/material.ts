import { testAuthority } from "../../support/certificates";
import { testIssuer } from "../../support/jwt";

/** Made once: keys take their time. */
export const ISSUER = testIssuer("https://issuer.test/realm");
export const AUTHORITY = testAuthority(1000);

/** Texts that nothing may show: neither an object other than a Secret, nor an error. */
export const SECRETS = { password: "hunter2-of-redis", kubeconfig: "hunter3-of-kubeconfig" } as const;
