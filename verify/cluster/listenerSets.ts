import { admissionName } from "../../components/entry/listenerAdmission";
import { covers } from "../../config/resolve/domains";
import { HTTPS_PORT } from "../../config/resolve/protocols";
import type { AllowedListeners } from "../../config/schema/entry/allowedListeners";
import { row, type Row } from "../row";
import type { Target } from "../target";
import { outputOf } from "./kubectl";

export interface ListenerSet {
  metadata: { name: string; namespace: string };
  spec: {
    parentRef: { name: string; namespace?: string };
    listeners: { name: string; hostname?: string; port?: number; protocol: string }[];
  };
  status?: { conditions?: { type: string; status: string; message: string }[] };
}

/** Listeners that other namespaces bring: within their hosts, and in force. */
export async function checkListenerSets({ config }: Target): Promise<Row[]> {
  const { gateway } = config;
  const { allowedListeners } = gateway;
  if (allowedListeners === undefined) {
    return [];
  }
  const { items } = JSON.parse(await outputOf("kubectl", ["get", "listenersets", "-A", "-o", "json"])) as {
    items: ListenerSet[];
  };
  return items
    .filter(
      ({ metadata, spec: { parentRef } }) =>
        parentRef.name === gateway.name && (parentRef.namespace ?? metadata.namespace) === gateway.namespace,
    )
    .map((set) => listenerSetRow(set, allowedListeners, admissionName(gateway)));
}

export function listenerSetRow(set: ListenerSet, allowed: AllowedListeners, policy: string): Row {
  const { metadata, spec, status } = set;
  const { name, namespace } = metadata;
  const hosts = allowed.find((entry) => entry.namespace === namespace)?.hosts ?? [];
  const strange = spec.listeners.filter(
    ({ hostname = "", port, protocol }) =>
      !hosts.some((host) => covers(host, hostname)) || port !== HTTPS_PORT || !["HTTPS", "TLS"].includes(protocol),
  );
  const refused = status?.conditions?.find((condition) => condition.status !== "True");
  const what = `ListenerSet ${namespace}/${name} is in force, with hosts of its namespace`;
  if (strange.length > 0) {
    return row("listener-sets", what, false, strange.map(({ hostname = "*" }) => hostname).join(", "), {
      cause: "it is older than the admission policy that holds it to its hosts, or that was deleted",
      more: `kubectl get validatingadmissionpolicy ${policy}; kubectl delete listenerset ${name} -n ${namespace}`,
    });
  }
  return row(
    "listener-sets",
    what,
    status?.conditions !== undefined && refused === undefined,
    refused?.type ?? (status?.conditions === undefined ? "no status" : "yes"),
    {
      cause: refused?.message ?? "Istio ignores it: it reads ListenerSets from 1.30",
      more: `kubectl describe listenerset ${name} -n ${namespace}`,
    },
  );
}
