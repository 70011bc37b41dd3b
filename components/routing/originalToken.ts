import { hidesToken } from "../../config/resolve/entrance";
import type { Access } from "../../config/schema/access/access";
import { TOKEN_HEADER } from "../../config/schema/access/jwt";
import type { HeaderChanges } from "../../config/schema/routing/filters";

/**
 * The header changes, without the token of the client unless the service wants it: Istio can only pass on all tokens of an issuer, or
 * none. A value that the service sets or adds itself stays, since Envoy removes headers first.
 */
export function withoutToken(
  changes: HeaderChanges | undefined,
  access: Access | undefined,
): HeaderChanges | undefined {
  if (!hidesToken(access)) {
    return changes;
  }
  const isToken = (name: string) => name.toLowerCase() === TOKEN_HEADER.toLowerCase();
  const { set = {}, remove = [] } = changes ?? {};
  return Object.keys(set).some(isToken) || remove.some(isToken)
    ? changes
    : { ...changes, remove: [...remove, TOKEN_HEADER] };
}
