import { isMap } from "../../config/values/isMap";

type Tree = Readonly<Record<string, unknown>>;

/**
 * Fields by which Kubernetes tells the entries of a list apart; other lists are replaced as a whole.
 * https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/
 */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  env: "name",
  volumes: "name",
  imagePullSecrets: "name",
  volumeMounts: "mountPath",
  ports: "port",
  topologySpreadConstraints: "topologyKey",
};

/**
 * One strategic merge patch that does what two do, one after the other. `null` removes a field, as it does in each.
 * https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
 */
export function strategicMerge(first: Tree, second: Tree): Tree {
  const merged: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second)) {
    const before = merged[key];
    merged[key] = isMap(before) && isMap(value) ? strategicMerge(before, value) : mergedList(key, before, value);
  }
  return merged;
}

function mergedList(field: string, before: unknown, value: unknown): unknown {
  const key = MERGE_KEYS[field];
  if (key === undefined || !isListOf(before) || !isListOf(value)) {
    return value;
  }
  const known = new Set(before.map((entry) => entry[key]));
  return [
    ...before.map((entry) => value.filter((change) => change[key] === entry[key]).reduce<Tree>(strategicMerge, entry)),
    ...value.filter((entry) => !known.has(entry[key])),
  ];
}

function isListOf(value: unknown): value is Tree[] {
  return Array.isArray(value) && value.every(isMap);
}
