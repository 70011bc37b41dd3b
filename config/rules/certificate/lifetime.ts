import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** The longest lifetime that clients will accept from public CAs (CA/Browser Forum, from March 2027). */
const MAX_PROTECTED_VALIDITY_DAYS = 100;

/** How long a certificate lasts, and when it is renewed. */
export function lifetimeProblems({ certificate, protect }: CheckedStack): Problem[] {
  if (certificate?.mode !== "self-signed" && certificate?.mode !== "ca-signed") {
    return [];
  }
  const { validityDays, renewBeforeDays } = certificate;
  const problems: Problem[] = [];
  if (protect === true && validityDays > MAX_PROTECTED_VALIDITY_DAYS) {
    const expected = `at most ${MAX_PROTECTED_VALIDITY_DAYS} days where protect is true: renew more often instead`;
    problems.push({ path: "certificate.validityDays", value: validityDays, expected });
  }
  if (renewBeforeDays !== undefined && renewBeforeDays >= validityDays) {
    const expected = `fewer days than validityDays (${validityDays}), or every update would renew`;
    problems.push({ path: "certificate.renewBeforeDays", value: renewBeforeDays, expected });
  }
  return problems;
}
