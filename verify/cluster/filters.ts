import { envoyFilterPatches } from "../../components/envoyFilters";
import { GATEWAY_NAME_LABEL, ownName } from "../../components/shared/naming";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";
import { listObjects, outputOf } from "./kubectl";
import { landed } from "./landed";

const WHAT = "every EnvoyFilter of the gateway is in effect in every proxy";

/**
 * Whether Istio applied each patch of each EnvoyFilter. One that hits nothing, because another version of Istio has named a listener,
 * a route or a filter differently, is dropped without a word.
 */
export async function checkFilters({ config }: Target): Promise<Row[]> {
  const { gateway } = config;
  try {
    const label = `${GATEWAY_NAME_LABEL}=${gateway.name}`;
    const pods = await listObjects<{ metadata: { name: string } }>("pods", gateway.namespace, label);
    const dumps = pods.map(async ({ metadata: { name } }) => {
      const dump = await outputOf("istioctl", ["proxy-config", "all", `${name}.${gateway.namespace}`, "-o", "json"]);
      return JSON.parse(dump) as object;
    });
    const filters = envoyFilterPatches(config);
    const missing = (await Promise.all(dumps)).flatMap((dump) =>
      filters.flatMap(({ feature, patches }) =>
        patches.filter((patch) => !landed(patch, dump)).map((patch) => ({ feature, patch })),
      ),
    );
    const [first] = missing;
    const seen =
      first === undefined ? `${pods.length} complete` : `${first.feature}: ${described(first.patch)} is missing`;
    const name = ownName(gateway, first?.feature ?? "");
    return [
      row("filters", WHAT, pods.length > 0 && first === undefined, seen, {
        cause:
          pods.length === 0
            ? "the gateway has no pod"
            : "the EnvoyFilter is missing or was changed, or this version of Istio does not apply its patch",
        more: `kubectl get envoyfilter ${name} -n ${gateway.namespace} -o yaml`,
      }),
    ];
  } catch (error) {
    return [skipped("filters", WHAT, error instanceof Error ? error.message : String(error))];
  }
}

function described({ applyTo, match: { listener, routeConfiguration }, patch: { value } }: ConfigPatch): string {
  const { portNumber, vhost: { name: host, route } = {} } = { ...listener, ...routeConfiguration };
  const what = typeof value.name === "string" ? value.name : (route?.name ?? host ?? "");
  return [applyTo, what, portNumber === undefined ? "" : `port ${portNumber}`].filter((part) => part !== "").join(" ");
}
