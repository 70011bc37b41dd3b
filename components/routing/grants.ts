import { serviceTargets, type Target } from "../../config";
import type { ReferenceGrantSpec } from "../../kinds/referenceGrant";
import { contentHash } from "../shared/contentHash";
import { type GatewayRef, sharedName } from "../shared/naming";

/** The route needs its old grant until it has changed. */
export function grantName(gateway: GatewayRef, { name }: { readonly name: string }, spec: ReferenceGrantSpec): string {
  return sharedName(gateway, `${name}-${contentHash(JSON.stringify(spec))}`);
}

/** Gateway API: most entries of a ReferenceGrant. */
const MAX_GRANTED = 16;

/**
 * What a route may refer to outside its own namespace: Services, since nothing grants a host. Each is named, so nothing more is granted. By namespace; if one grant
 * cannot name all of them, more are called `NAMESPACE.2`, `NAMESPACE.3` and so on.
 */
export function grantSpecs(
  kind: ReferenceGrantSpec["from"][number]["kind"],
  routeNamespace: string,
  backends: readonly Target[],
): Record<string, ReferenceGrantSpec> {
  const names = new Map<string, Set<string>>();
  for (const { namespace, service } of serviceTargets(backends)) {
    if (namespace !== routeNamespace) {
      names.set(namespace, (names.get(namespace) ?? new Set()).add(service));
    }
  }
  return Object.fromEntries(
    [...names].flatMap(([namespace, services]) => {
      const to = [...services].sort().map((name) => ({ group: "" as const, kind: "Service" as const, name }));
      return Array.from({ length: Math.ceil(to.length / MAX_GRANTED) }, (_, part) => [
        part === 0 ? namespace : `${namespace}.${part + 1}`,
        {
          from: [{ group: "gateway.networking.k8s.io", kind, namespace: routeNamespace }],
          to: to.slice(part * MAX_GRANTED, (part + 1) * MAX_GRANTED),
        } satisfies ReferenceGrantSpec,
      ]);
    }),
  );
}
