import { inDays, milliseconds } from "../../values/duration";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { type GivenCertificate, givenCertificates } from "../../resolve/givenCertificates";

/** Longest lifetime that clients will accept from public CAs (CA/Browser Forum, from March 2027). */
const MAX_PROTECTED_VALIDITY = "100d";

/** How long a certificate is valid, and when it is renewed. */
export function lifetimeProblems(stack: CheckedStack): Problem[] {
  return givenCertificates(stack).flatMap((given) => ofCertificate(given, stack));
}

function ofCertificate({ at, certificate }: GivenCertificate, { protect }: CheckedStack): Problem[] {
  if (certificate.type !== "self-signed" && certificate.type !== "ca-signed") {
    return [];
  }
  const { validity, renewBefore } = certificate;
  const problems: Problem[] = [];
  if (protect === true && milliseconds(validity) > milliseconds(MAX_PROTECTED_VALIDITY)) {
    const expected = `at most ${MAX_PROTECTED_VALIDITY} if protect is true: renew more often instead`;
    problems.push({ path: `${at}.validity`, value: inDays(validity), expected });
  }
  if (renewBefore !== undefined && milliseconds(renewBefore) >= milliseconds(validity)) {
    const expected = `less than validity (${inDays(validity)}), or every update would renew it`;
    problems.push({ path: `${at}.renewBefore`, value: inDays(renewBefore), expected });
  }
  return problems;
}
