import { isMap, type Properties } from "../server";
import type { KubernetesObject, ManagedFields } from "./client";

/** Manager of every object that was created and never updated. */
export const CREATOR = "pulumi-kubernetes";

/** Managers, by the start of their names, whose fields the first update takes over without a word. */
const TAKEN_OVER: readonly (readonly [start: string, operation: ManagedFields["operation"]])[] = [
  ["kubectl", "Apply"],
  ["kubectl", "Update"],
  ["before-first-apply", "Update"],
  [CREATOR, "Update"],
  ["pulumi-resource-kubernetes", "Update"],
];

/**
 * An object's managed fields once `manager` has taken over those of `kubectl`, and of the provider's own creation.
 * Undefined if there is nothing to take over.
 */
export function takenOver(fields: readonly ManagedFields[], manager: string): readonly ManagedFields[] | undefined {
  const isOurs = (entry: ManagedFields) => entry.manager === manager && entry.operation === "Apply";
  const isTaken = ({ manager: name, operation, subresource }: ManagedFields) =>
    subresource === undefined && TAKEN_OVER.some(([start, type]) => name.startsWith(start) && operation === type);
  const ours = fields.find(isOurs);
  const taken = fields.filter((entry) => entry !== ours && isTaken(entry));
  if (taken.length === 0) {
    return undefined;
  }
  const [first = { manager, operation: "Apply" }, ...more] = ours === undefined ? taken : [ours, ...taken];
  const others = fields.filter((entry) => entry !== ours && !taken.includes(entry));
  const fieldsV1 = more.reduce((all, entry) => union(all, entry.fieldsV1 ?? {}), first.fieldsV1 ?? {});
  return [...others, { ...first, manager, operation: "Apply", fieldsV1 }];
}

/** Both sets of fields. An empty map stands for the field itself; beside others, `.` does. */
function union(a: Properties, b: Properties): Properties {
  if (Object.keys(a).length === 0 || Object.keys(b).length === 0) {
    const [only] = [a, b].filter((set) => Object.keys(set).length > 0);
    return only === undefined ? {} : { ".": {}, ...only };
  }
  const merged = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const known = merged[key];
    merged[key] = isMap(known) && isMap(value) ? union(known, value) : value;
  }
  return merged;
}

/**
 * Whether an apply overrides other managers.
 * @param live The object before it; undefined if it is to be created.
 */
export function isForced(
  object: KubernetesObject,
  live: KubernetesObject | undefined,
  { enablePatchForce, preview }: { enablePatchForce: boolean; preview: boolean },
): boolean {
  const fields = live?.metadata.managedFields ?? [];
  return (
    object.metadata.annotations?.["pulumi.com/patchForce"] === "true" ||
    enablePatchForce ||
    // A preview does not take over the fields of the provider's own creation, so it would report a conflict with them.
    (preview &&
      (live === undefined ||
        fields.some(
          ({ manager, operation }) =>
            operation === "Update" && [CREATOR, "pulumi-resource-kubernetes"].includes(manager),
        ))) ||
    (live !== undefined && fields.length === 0)
  );
}
