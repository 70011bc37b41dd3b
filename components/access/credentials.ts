import type { Service } from "../../config";
import type { Access } from "../../config/schema/access/access";
import { TOKEN_HEADER } from "../../config/schema/access/jwt";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { firstFilterPatch, lastFilterPatch } from "../shared/envoyPatches";
import { filterByRoute, filterName, NO_ACTION } from "../shared/filterByRoute";
import { type HeaderMutation, headerMutation, removeHeaders, setHeader } from "../shared/headerMutation";
import { byAccess } from "./byAccess";

/**
 * What Istio's own filters are to check. They look the same for every host: one checks the token in a header, the other asks the
 * external authorizer if there is another header. Only the hosts and paths that want it have these headers, whatever clients send; a host that
 * is missing here refuses everybody, since `access` finds no checked token, or that nobody was asked.
 */

/** Holds the client's token. Istio's filter removes it. */
export const CHECKED_TOKEN_HEADER = "x-unified-gateway-token";

/** Present if the external authorizer has to be asked. */
export const ASK_HEADER = "x-unified-gateway-ask";

/** In front of Istio's filters; the last removes what backends need not see. Empty if no service checks any credentials. */
export function credentialsPatches(services: readonly Service[]): ConfigPatch[] {
  const hosts = byAccess(services, "rule", (accesses) => {
    const wanted = headers(accesses);
    return wanted.length === 0 ? NO_ACTION : headerMutation(wanted);
  });
  const filters = new Map([...hosts].filter(([, action]) => action !== NO_ACTION));
  const patches = filterByRoute({ feature: "credentials", place: "first", by: "host", filters });
  return patches.length === 0
    ? []
    : [
        ...patches,
        // Inserted later, so it comes first.
        firstFilterPatch(
          filterName("credentials-from-clients"),
          headerMutation(removeHeaders([CHECKED_TOKEN_HEADER, ASK_HEADER])),
        ),
        lastFilterPatch(filterName("credentials-to-backends"), headerMutation(removeHeaders([ASK_HEADER]))),
      ];
}

function headers(accesses: readonly (Access | undefined)[]): HeaderMutation[] {
  return [
    ...(accesses.some((access) => access?.jwt !== undefined)
      ? [setHeader(CHECKED_TOKEN_HEADER, `%REQ(${TOKEN_HEADER})%`)]
      : []),
    ...(accesses.some((access) => access?.externalAuthorization !== undefined) ? [setHeader(ASK_HEADER, "yes")] : []),
  ];
}
