import type { Manifest } from "../stacks";

/** How much there is of what grows. */
export interface Counts {
  readonly objects: number;
  /** The largest objects, largest first, by the bytes of their JSON. */
  readonly largest: readonly { readonly name: string; readonly bytes: number }[];
  readonly patches: number;
  readonly policies: number;
  /** Of the listener that has most. */
  readonly httpFilters: number;
}

const LARGEST = 4;
const POLICY_KINDS = ["AuthorizationPolicy", "RequestAuthentication"];

/** @param listeners Envoy's dump of its listeners. */
export function countsOf(objects: readonly Manifest[], listeners: string): Counts {
  const sizes = objects.map((object) => ({
    name: `${object.kind} ${object.metadata.name}`,
    bytes: Buffer.byteLength(JSON.stringify(object)),
  }));
  return {
    objects: objects.length,
    largest: sizes.sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST),
    patches: objects.reduce((sum, { spec }) => sum + patchesOf(spec).length, 0),
    policies: objects.filter(({ kind }) => POLICY_KINDS.includes(kind)).length,
    httpFilters: httpFilters(listeners),
  };
}

function patchesOf(spec: unknown): readonly unknown[] {
  return (spec as { readonly configPatches?: readonly unknown[] } | undefined)?.configPatches ?? [];
}

/** Length of the longest list of HTTP filters. */
function httpFilters(listeners: string): number {
  let longest = 0;
  JSON.parse(listeners, (key, value: unknown) => {
    if (key === "http_filters" && Array.isArray(value)) {
      longest = Math.max(longest, value.length);
    }
    return value;
  });
  return longest;
}

/** The filter with another rule for one host: `to` in place of `from`. */
export function withOtherRule(filter: Manifest, host: string, from: string, to: string): Manifest {
  const changed = JSON.stringify(filter, (key, value: unknown) =>
    key === host ? (JSON.parse(JSON.stringify(value).replaceAll(`"${from}"`, `"${to}"`)) as unknown) : value,
  );
  if (changed === JSON.stringify(filter)) {
    throw new Error(`${filter.metadata.name} has no rule of ${host} with ${from}`);
  }
  return JSON.parse(changed) as Manifest;
}
