import { parse } from "yaml";
import type { EmittedResource } from "../emit/resources";
import { shown } from "../emit/words";

/** What happens to a resource between two revisions. */
export interface ObjectChange {
  readonly action: "add" | "change" | "remove";
  /** KIND NAMESPACE/NAME, or Pulumi's name of a resource that is not a cluster object. */
  readonly object: string;
  /** What differs, by key path. */
  readonly details: readonly string[];
}

/** What is added, changed and removed, matched by the objects' names in the cluster. */
export function objectChanges(before: readonly EmittedResource[], after: readonly EmittedResource[]): ObjectChange[] {
  const old = new Map(before.map((resource) => [objectName(resource), resource]));
  const next = new Map(after.map((resource) => [objectName(resource), resource]));
  return [...new Set([...old.keys(), ...next.keys()])].sort().flatMap((object): ObjectChange[] => {
    const [from, to] = [old.get(object), next.get(object)];
    if (from === undefined) {
      return [{ action: "add", object, details: [] }];
    }
    if (to === undefined) {
      return [{ action: "remove", object, details: [] }];
    }
    const details = [
      ...leafChanges(from.props, to.props),
      ...(from.protect === to.protect ? [] : [to.protect ? "protected from deletion" : "no longer protected"]),
    ];
    return details.length === 0 ? [] : [{ action: "change", object, details }];
  });
}

export function objectName({ type, name, props }: EmittedResource): string {
  const [provider, , kind = type] = type.split(":");
  if (provider !== "kubernetes") {
    return `${type.split(":").at(-1) ?? type} ${name}`;
  }
  const { metadata } = props as { metadata?: { name?: string; namespace?: string } };
  return `${kind} ${[metadata?.namespace, metadata?.name ?? name].filter(Boolean).join("/")}`;
}

/** `spec.rules[0].timeouts.request: 30s → 5s` for each leaf that differs. */
function leafChanges(before: unknown, after: unknown, path = ""): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) {
    return [];
  }
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const at = (key: string) => (Array.isArray(after) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
    return keys.flatMap((key) => leafChanges(before[key], after[key], at(key)));
  }
  const [from, to] = [before, after].map(written);
  if (from !== undefined && to !== undefined) {
    const details = leafChanges(from, to, path);
    // Two ways to write the same.
    return details.length > 0 ? details : [`${path}: ${shown(before)} → ${shown(after)}`];
  }
  const told = (value: unknown) => (value === undefined ? "nothing" : shown(value));
  return [`${path}: ${told(before)} → ${told(after)}`];
}

/** What a text in YAML or JSON holds, as those of ConfigMaps do; undefined for any other text. */
function written(text: unknown): object | undefined {
  if (typeof text !== "string" || !/^\{|\n/.test(text) || text.includes("-----BEGIN ")) {
    return undefined;
  }
  try {
    const value: unknown = parse(text);
    return isTree(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
