import { isDeepStrictEqual } from "node:util";

/**
 * Whether two values of a config say the same. The order of keys does not matter: Pulumi sorts those of a stack's file, but not those
 * of a file of services. A key that is undefined is a missing one, as programs write it that leave something out.
 */
export function sameContent(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(written(a), written(b));
}

function written(value: unknown): unknown {
  return JSON.parse(JSON.stringify({ value }));
}
