import { differences, isMap, pathText, type Change, type Difference, type Place } from "../server";
import type { KubernetesObject } from "./client";

export interface Mutable {
  readonly enableSecretMutable: boolean;
  readonly enableConfigMapMutable: boolean;
}

const SELECTOR = ["spec.selector"];

/** By kind, changes that need a new object; the official provider's list of the kinds that the program uses. */
const FORCE_NEW: Readonly<Record<string, readonly string[]>> = {
  "apps/v1/Deployment": SELECTOR,
  "apps/v1/DaemonSet": SELECTOR,
  "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1/RoleBinding": ["roleRef"],
  "v1/Service": ["spec.clusterIP"],
};

function forceNew({ apiVersion, kind, immutable }: KubernetesObject, mutable: Mutable): readonly string[] {
  const type = `${apiVersion}/${kind}`;
  if (type === "v1/Secret") {
    return mutable.enableSecretMutable && immutable !== true ? ["type"] : ["type", "stringData", "data"];
  }
  if (type === "v1/ConfigMap") {
    return mutable.enableConfigMapMutable && immutable !== true ? [] : ["binaryData", "data"];
  }
  return FORCE_NEW[type] ?? [];
}

/** Whether a change touches a field: the field itself, something in it, or a map that comes with it. */
function touches({ path, after }: Place, field: string): boolean {
  const steps = field.split(".");
  const common = Math.min(path.length, steps.length);
  if (steps.slice(0, common).some((step, index) => path[index] !== step)) {
    return false;
  }
  return (
    steps.slice(common).reduce<unknown>((value, step) => (isMap(value) ? value[step] : undefined), after) !==
      undefined || path.length >= steps.length
  );
}

/**
 * How an object changes.
 * @param old The values in the cluster of what the program has set so far.
 * @param ignored Paths of `ignoreChanges`.
 */
export function difference(
  old: KubernetesObject,
  wanted: KubernetesObject,
  how: { readonly mutable: Mutable; readonly isPatch: boolean; readonly ignored: readonly string[] },
): Difference {
  const fields = ["metadata.name", "metadata.namespace", ...(how.isPatch ? [] : forceNew(wanted, how.mutable))];
  const isIgnored = (path: string) =>
    how.ignored.some((it) => path === it || path.startsWith(`${it}.`) || path.startsWith(`${it}[`));
  const changes = differences(old, wanted)
    .map((place) => ({ place, path: pathText(place.path) }))
    .filter(({ path }) => !isIgnored(path))
    .map(({ place, path }): [string, Change] => {
      const kind = place.before === undefined ? "add" : place.after === undefined ? "delete" : "update";
      const replace = fields.some((field) => touches(place, field));
      return [path, { kind, replace, inputDiff: kind === "delete" }];
    });
  const isSameObject =
    old.metadata.name === wanted.metadata.name && old.metadata.namespace === wanted.metadata.namespace;
  return {
    changes: Object.fromEntries(changes),
    deleteBeforeReplace: isSameObject && changes.some(([, { replace }]) => replace),
  };
}
