import { ownName, sharedName, SUFFIXES } from "../../components/shared/naming";
import { row, type Row } from "../row";
import type { Target } from "../target";
import { getObject } from "./kubectl";

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
}

interface Conditioned {
  metadata: { generation: number };
  status?: {
    conditions?: Condition[];
    listeners?: { name: string; conditions: Condition[] }[];
    parents?: { parentRef: { name: string; namespace?: string }; conditions: Condition[] }[];
  };
}

/** The Gateway and every route are accepted and up to date: all their conditions are good, and of the current generation. */
export async function checkConditions({ config }: Target): Promise<Row[]> {
  const { gateway, services } = config;
  const objects: (readonly [kind: string, name: string, namespace: string])[] = [
    ["gateway", gateway.name, gateway.namespace],
    ["httproute", ownName(gateway, SUFFIXES.redirect), gateway.namespace],
    ...services.flatMap(({ name, namespace, protocol, hosts }) => {
      const statuses = new Set(hosts.flatMap(({ redirect }) => redirect ?? []));
      return [
        [`${protocol}route`, sharedName(gateway, name), namespace] as const,
        ...[...statuses].map(
          (status) => ["httproute", sharedName(gateway, `${name}--redirect-${status}`), namespace] as const,
        ),
      ];
    }),
  ];
  objects.push(
    ...config.streams.map(
      ({ name, namespace, protocol }) =>
        [protocol === "tcp" ? "tcproute" : "tlsroute", sharedName(gateway, name), namespace] as const,
    ),
  );
  return Promise.all(
    objects.map(async ([kind, name, namespace]) => {
      const object = await getObject<Conditioned>(kind, name, namespace);
      const flaw =
        object === undefined ? { seen: "missing", cause: `it was deleted: pulumi up recreates it` } : flawOf(object);
      return row("conditions", `${kind} ${namespace}/${name} is in force`, flaw === undefined, flaw?.seen ?? "yes", {
        cause: flaw?.cause,
        more: `kubectl describe ${kind} ${name} -n ${namespace}`,
      });
    }),
  );
}

function flawOf({ metadata, status = {} }: Conditioned): { seen: string; cause: string } | undefined {
  const conditions = [
    ...(status.conditions ?? []),
    ...(status.listeners ?? []).flatMap((listener) => listener.conditions),
    ...(status.parents ?? []).flatMap((parent) => parent.conditions),
  ];
  if (conditions.length === 0) {
    return {
      seen: "no status",
      cause: "no controller handles it: istiod is down, or the GatewayClass belongs to another controller",
    };
  }
  const stale = conditions.find(({ observedGeneration = 0 }) => observedGeneration < metadata.generation);
  if (stale !== undefined) {
    return {
      seen: `generation ${metadata.generation}, status of ${stale.observedGeneration ?? 0}`,
      cause: "istiod has not processed the last change: it is down or behind, and Envoy's config is stale",
    };
  }
  const bad = conditions.find(({ type, status: value }) =>
    type === "Conflicted" ? value !== "False" : value !== "True",
  );
  return bad === undefined ? undefined : { seen: `${bad.type} is ${bad.status} (${bad.reason})`, cause: bad.message };
}
