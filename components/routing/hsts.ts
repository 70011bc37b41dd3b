import type { HeaderChanges } from "../../config/schema/routing/filters";
import { HSTS_HEADER, type Hsts } from "../../config/schema/entry/hsts";
import { seconds } from "../../config/values/duration";

/** The header changes plus the HSTS header, which replaces the backend's own. */
export function withHsts(changes: HeaderChanges | undefined, hsts: Hsts | undefined): HeaderChanges | undefined {
  return hsts === undefined ? changes : { ...changes, set: { ...changes?.set, [HSTS_HEADER]: hstsValue(hsts) } };
}

/** RFC 6797, section 6.1; `preload` is the browsers' extension. */
export function hstsValue({ maxAge, includeSubDomains, preload }: Hsts): string {
  const flags = [...(includeSubDomains ? ["includeSubDomains"] : []), ...(preload ? ["preload"] : [])];
  return [`max-age=${seconds(maxAge)}`, ...flags].join("; ");
}
