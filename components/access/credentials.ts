import type { Service } from "../../config";
import type { Access } from "../../config/schema/access/access";
import { TOKEN_HEADER } from "../../config/schema/access/jwt";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { firstFilterPatch, lastFilterPatch } from "../shared/envoyPatches";
import { filterByRoute, filterName, hostKeys } from "../shared/filterByRoute";
import { type HeaderMutation, headerMutation, removeHeaders, setHeader } from "../shared/headerMutation";

/**
 * What Istio's own filters are to check. They look the same for every host: one checks the token in a header, the other asks the
 * external authorizer if there is another header. Only the hosts that want it have these headers, whatever clients send; a host that
 * is missing here refuses everybody, since `access` finds no checked token, or that nobody was asked.
 */

/** Holds the client's token. Istio's filter removes it. */
export const CHECKED_TOKEN_HEADER = "x-unified-gateway-token";

/** Present if the external authorizer has to be asked. */
export const ASK_HEADER = "x-unified-gateway-ask";

/** In front of Istio's filters; the last removes what backends need not see. Empty if no service checks any credentials. */
export function credentialsPatches(services: readonly Service[]): ConfigPatch[] {
  // Services that share a host have the same access: the config check ensures it.
  const filters = new Map(
    services.flatMap((service) => {
      const wanted = headers(service.access);
      return wanted.length === 0 ? [] : hostKeys(service).map((key) => [key, headerMutation(wanted)] as const);
    }),
  );
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

function headers(access: Access | undefined): HeaderMutation[] {
  return [
    ...(access?.jwt === undefined ? [] : [setHeader(CHECKED_TOKEN_HEADER, `%REQ(${TOKEN_HEADER})%`)]),
    ...(access?.externalAuthorization === undefined ? [] : [setHeader(ASK_HEADER, "yes")]),
  ];
}
