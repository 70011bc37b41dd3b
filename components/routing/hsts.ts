import type { HeaderChanges } from "../../config/schema/routing/filters";
import type { Hsts } from "../../config/schema/entry/hsts";
import { seconds } from "../../config/values/duration";

export const HSTS_HEADER = "strict-transport-security";

/** The changes with the header of HSTS among them: it takes the place of the backend's own. */
export function withHsts(changes: HeaderChanges | undefined, hsts: Hsts | undefined): HeaderChanges | undefined {
  return hsts === undefined ? changes : { ...changes, set: { ...changes?.set, [HSTS_HEADER]: hstsValue(hsts) } };
}

/** RFC 6797, section 6.1; `preload` is the browsers' own. */
export function hstsValue({ maxAge, includeSubDomains, preload }: Hsts): string {
  const flags = [...(includeSubDomains ? ["includeSubDomains"] : []), ...(preload ? ["preload"] : [])];
  return [`max-age=${seconds(maxAge)}`, ...flags].join("; ");
}
