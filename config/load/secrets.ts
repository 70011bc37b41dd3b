import { z } from "zod";
import { stackSchema } from "../schema/stack";
import { SEALED } from "../values/pem";
import { keyPath, type KeyPath, type Problem } from "../values/problem";
import type { GivenConfig } from "./givenConfig";
import { hasKey } from "./zodProblems";

/** Key paths that may hold a secret, as the schema marks them, `[]` for any place in a list: their values stay secret wherever the program passes them on. */
export const SECRET_PATHS: readonly string[] = marked(stackSchema, "");

function marked(schema: z.core.$ZodType, path: string): string[] {
  if ((schema as z.ZodType).meta()?.sealable === true) {
    return [path];
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return marked(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodUnion) {
    return [...new Set(schema.options.flatMap((option) => marked(option, path)))];
  }
  if (schema instanceof z.ZodPipe) {
    return marked(schema.out, path);
  }
  if (schema instanceof z.ZodArray) {
    return marked(schema.element, `${path}[]`);
  }
  const shape: Record<string, z.core.$ZodType> = schema instanceof z.ZodObject ? schema.shape : {};
  return Object.entries(shape).flatMap(([key, value]) => marked(value, path === "" ? key : `${path}.${key}`));
}

/** Whether the value at a key path may be a secret. */
export function maySeal(path: string): boolean {
  return SECRET_PATHS.includes(general(path));
}

/** A key path for any place in its lists. */
function general(path: string): string {
  return path.replace(/\[\d+\]/g, "[]");
}

/** What became of a config's secrets. */
export interface CheckedSecrets {
  /** The config without those that are refused: no other check sees them, so no message can show them. */
  readonly values: GivenConfig["values"];
  /** One problem for each that is refused, beside those that other checks found. */
  readonly problems: (others: readonly Problem[]) => Problem[];
  /** Whether the value at a key path is a secret. */
  readonly isSecret: (path: string) => boolean;
  /** Whether the value at a key path could show a secret. */
  readonly mayShow: (path: string) => boolean;
}

/**
 * Refuses secrets at keys that are written to objects which are no Secrets: there they would be in clear text, and twice in the
 * state, whatever Pulumi encrypts in the stack's file. https://github.com/pulumi/pulumi/issues/6531
 */
export function checkSecrets({ values, secretKeys, secretPaths = [] }: GivenConfig): CheckedSecrets {
  const known = secretPaths.filter((path) => valueAt(values, path) !== undefined);
  // Of a secret that another source than the stack's file sets, such as Pulumi ESC, only the top-level key is known.
  const expected = keysWithSecrets(values);
  const unknown = [...secretKeys].filter((key) => !known.some(([first]) => first === key));
  const refused: KeyPath[] = [
    ...known.filter((path) => !maySeal(keyPath(path))),
    ...unknown.filter((key) => !expected.has(key)).map((key) => [key]),
  ];
  const names = known.map(keyPath);
  const hidden = [...names, ...unknown];
  return {
    values: refused.reduce((rest, path) => sealedAt(rest, path) as GivenConfig["values"], values),
    problems: (others) => {
      // An unknown key is reported as such, with the key that was meant.
      const isTold = (path: KeyPath) =>
        !hasKey(stackSchema, path, values) && others.some((other) => other.path === keyPath(path));
      const told = refused.filter((path) => !isTold(path)).map((path) => refusal(path, known));
      // What took the place of a refused secret is wrong too.
      return [...others.filter(({ path }) => !told.some((refusal) => isWithin(path, refusal.path))), ...told];
    },
    isSecret: (path) => names.includes(path) || unknown.some((key) => isWithin(path, key)),
    mayShow: (path) =>
      hidden.some((secret) => isWithin(path, secret) || isWithin(secret, path)) ||
      SECRET_PATHS.some((secret) => isWithin(general(path), secret) || isWithin(secret, general(path))),
  };
}

/** Whether a path is another one, or below it. */
function isWithin(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[`);
}

const PLACES = "in clear text in objects such as an HTTPRoute, and in Pulumi's state";

function refusal(path: KeyPath, known: readonly KeyPath[]): Problem {
  const expected = known.includes(path)
    ? `a value that is no Pulumi secret, since it ends up ${PLACES}; if it has to be secret, let the backend read it from a Secret`
    : `no Pulumi secret in it, since all of it ends up ${PLACES}; the secret is not in the stack's file, so its key is not known`;
  return { path: keyPath(path), value: SEALED, expected, sensitive: true };
}

/** The top-level keys of a config in which a key is set that may hold a secret. */
export function keysWithSecrets(values: GivenConfig["values"]): ReadonlySet<string> {
  const paths = SECRET_PATHS.map((path) => path.replaceAll("[]", ".[]").split("."));
  return new Set(paths.filter((path) => isSet(values, path)).map(([key = ""]) => key));
}

function isSet(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) {
    return value !== undefined;
  }
  return key === "[]"
    ? Array.isArray(value) && value.some((entry) => isSet(entry, rest))
    : isSet(valueAt(value, [key]), rest);
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<string | number, unknown>)[key] : undefined),
    value,
  );
}

function sealedAt(value: unknown, [key, ...rest]: KeyPath): unknown {
  if (key === undefined) {
    return SEALED;
  }
  const below = sealedAt((value as Record<string | number, unknown>)[key], rest);
  return Array.isArray(value) ? value.with(Number(key), below) : { ...(value as object), [key]: below };
}
