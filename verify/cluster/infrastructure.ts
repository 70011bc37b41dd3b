import { parse } from "yaml";
import { ownName, proxyLabels, proxyName, SUFFIXES } from "../../components/shared/naming";
import { dependsOnAddress } from "../../config/resolve/entrance";
import { infrastructureOf } from "../../config/resolve/infrastructure";
import { tellsClients } from "../../config/schema/entry/clientAddress";
import type { GatewayConfig } from "../../config/schema/entry/gateway";
import { row, type Row } from "../row";
import type { Target } from "../target";
import { getAll, getObject, listObjects, selectorOf } from "./kubectl";

interface Deployment {
  spec: { replicas?: number };
  status?: { replicas?: number; updatedReplicas?: number; readyReplicas?: number };
}

interface Pod {
  spec: { nodeName?: string };
  status?: { conditions?: { type: string; status: string }[] };
}

interface Service {
  spec: { type?: string; externalTrafficPolicy?: string };
}

interface Budget {
  status?: { disruptionsAllowed?: number };
}

interface Node {
  metadata: { labels?: Record<string, string> };
  spec?: { unschedulable?: boolean; taints?: { key: string; effect: string }[] };
}

const CHECK = "infrastructure";

/** The proxies are ready, on several nodes, and may be evicted one by one; they and their Service are as the stack says. */
export async function checkInfrastructure(target: Target): Promise<Row[]> {
  const { gateway } = target.config;
  return gateway.existing === undefined
    ? [...(await proxyRows(target)), ...(await appliedRows(target)), ...(await serviceRows(target))]
    : serviceRows(target);
}

async function proxyRows({ config: { gateway } }: Target): Promise<Row[]> {
  const { namespace } = gateway;
  const { replicas: fewest, podDisruptionBudget } = infrastructureOf(gateway);
  const name = proxyName(gateway);
  const deployment = await getObject<Deployment>("deployment", name, namespace);
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0 } = deployment?.status ?? {};
  const isReady = readyReplicas >= fewest && updatedReplicas === replicas && readyReplicas === replicas;
  const more = `kubectl describe deployment ${name} -n ${namespace}; kubectl get pods -n ${namespace} -o wide`;
  const rows = [
    row(
      CHECK,
      `${fewest} or more proxies are ready, all of the current version`,
      isReady,
      deployment === undefined ? "no Deployment" : `${readyReplicas} of ${replicas}, ${updatedReplicas} current`,
      { cause: "a Pod is pending or not ready, or a rollout has not ended", more },
    ),
  ];
  if (fewest > 1) {
    const pods = await listObjects<Pod>("pods", namespace, selectorOf(proxyLabels(gateway)));
    const used = new Set(pods.filter(isReadyPod).map(({ spec }) => spec.nodeName)).size;
    const nodes = (await getAll<Node>("nodes")).filter((node) => mayRun(gateway, node)).length;
    rows.push(
      row(CHECK, "ready proxies are on several nodes", used > 1 || nodes < 2, `${used} of ${nodes} nodes`, {
        cause: "one node takes all proxies with it: others were full or tainted when they were scheduled",
        more: `kubectl rollout restart deployment/${name} -n ${namespace}`,
      }),
    );
  }
  if (podDisruptionBudget !== false) {
    const budget = ownName(gateway, SUFFIXES.proxies);
    const object = await getObject<Budget>("poddisruptionbudget", budget, namespace);
    const allowed = object?.status?.disruptionsAllowed ?? 0;
    rows.push(
      row(
        CHECK,
        "the budget allows an eviction",
        allowed > 0,
        object === undefined ? "no budget" : `${allowed} allowed`,
        {
          cause: "too few proxies are ready: a node drain waits until there are more",
          more: `kubectl describe poddisruptionbudget ${budget} -n ${namespace}`,
        },
      ),
    );
  }
  return rows;
}

/** Whether proxies may be scheduled on a node. */
function mayRun({ infrastructure }: GatewayConfig, { metadata, spec = {} }: Node): boolean {
  const { nodeSelector = {}, tolerations = [] } = infrastructure;
  const tolerated = (taint: { key: string }) => tolerations.some(({ key = taint.key }) => key === taint.key);
  const taints = (spec.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule");
  const isSelected = Object.entries(nodeSelector).every(([key, value]) => metadata.labels?.[key] === value);
  return spec.unschedulable !== true && isSelected && taints.every(tolerated);
}

function isReadyPod({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: met }) => type === "Ready" && met === "True") === true;
}

/** Istio only logs that the API server refused what it applied. */
async function appliedRows({ config: { gateway } }: Target): Promise<Row[]> {
  const { namespace } = gateway;
  const map = ownName(gateway, SUFFIXES.infrastructure);
  const parameters = await getObject<{ data?: Record<string, string> }>("configmap", map, namespace);
  const kinds = Object.entries(parameters?.data ?? {});
  return Promise.all(
    kinds.map(async ([kind, text]) => {
      const object = await getObject<object>(kind.toLowerCase(), proxyName(gateway), namespace);
      const missing = object === undefined ? "the object" : missingIn(parse(text), object);
      return row(CHECK, `the ${kind} is as the stack says`, missing === undefined, missing ?? "yes", {
        cause:
          "istiod could not apply it, or has not yet: a value that the API server refuses, or a field that cannot change",
        more: `kubectl logs deploy/istiod -n istio-system | grep ${proxyName(gateway)}; kubectl get configmap ${map} -n ${namespace} -o yaml`,
      });
    }),
  );
}

/** The first place where an object differs from a patch; undefined if there is none. */
export function missingIn(patch: unknown, object: unknown, path = ""): string | undefined {
  if (Array.isArray(patch)) {
    const entries = Array.isArray(object) ? (object as unknown[]) : [];
    const place = patch.findIndex((wanted) => !entries.some((entry) => missingIn(wanted, entry) === undefined));
    return place < 0 ? undefined : `${path}[${place}]`;
  }
  if (typeof patch !== "object" || patch === null) {
    return (patch ?? undefined) === object || sameAmount(patch, object) ? undefined : path;
  }
  const fields = (object ?? {}) as Record<string, unknown>;
  return Object.entries(patch)
    .map(([key, value]) => missingIn(value, fields[key], path === "" ? key : `${path}.${key}`))
    .find((found) => found !== undefined);
}

/** Whether two values are the same amount: the API server writes 1000m as 1, and 1024Mi as 1Gi. */
function sameAmount(a: unknown, b: unknown): boolean {
  const [one, other] = [amount(a), amount(b)];
  return one !== undefined && one === other;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
function amount(value: unknown): number | undefined {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?$/.exec(String(value)) ?? [];
  const factors: Readonly<Record<string, number>> = { "": 1000, m: 1, k: 1e6, M: 1e9, G: 1e12 };
  const factor = factors[unit] ?? 1000 * 1024 ** ("KMG".indexOf(unit.charAt(0)) + 1);
  return count === undefined ? undefined : Number(count) * factor;
}

async function serviceRows({ config: { gateway, services } }: Target): Promise<Row[]> {
  const reader = services.find(dependsOnAddress);
  if (reader === undefined || tellsClients(gateway.clientAddress)) {
    return [];
  }
  const name = proxyName(gateway);
  const object = await getObject<Service>("service", name, gateway.namespace);
  const { type, externalTrafficPolicy = "none" } = object?.spec ?? {};
  const kept = type === "ClusterIP" || externalTrafficPolicy === "Local";
  return [
    row(
      CHECK,
      `the Service keeps client addresses, which ${reader.name} needs`,
      object !== undefined && kept,
      object === undefined ? "no Service" : `${type ?? ""}, externalTrafficPolicy ${externalTrafficPolicy}`,
      {
        cause: "with Cluster, every client looks like a node, so a list that includes nodes admits everyone",
        more: `kubectl get service ${name} -n ${gateway.namespace} -o yaml`,
      },
    ),
  ];
}
