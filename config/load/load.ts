import type { z } from "zod";
import type { StackConfig } from "../resolve/model";
import { resolveStack } from "../resolve/stack";
import { type IndexedService, ruleProblems } from "../rules";
import type { ParsedStack } from "../schema/stack";
import { ConfigError, type Problem } from "../values/problem";

import { serviceSchema } from "../schema/service";
import { STACK_KEYS, type StackKey, stackShape } from "../schema/stack";
import type { GivenConfig } from "./givenConfig";
import { gatherServices, relabel } from "./serviceFiles";
import { check, unknownKey } from "./zodProblems";

/**
 * Checks a stack's config and fills in its defaults.
 * Each part and each service is checked by itself, so that one mistake hides no other; rules across parts are checked
 * on the parts that are sound.
 * @throws {ConfigError} with every problem, in the order of the keys.
 */
export function loadConfig(given: GivenConfig): StackConfig {
  const { project, secretKeys } = given;
  const { values, places, problems: unread } = gatherServices(given);
  const problems: Problem[] = [...unread, ...unknownKeys(values)];
  const parts: Partial<Record<StackKey, unknown>> = {};
  for (const key of STACK_KEYS.filter((name) => name !== "services")) {
    const result = check<z.ZodType>(stackShape[key], values[key], [key]);
    problems.push(...result.problems);
    parts[key] = result.value;
  }
  const sound = parts as Partial<Omit<ParsedStack, "services">>;
  const services = checkedServices(values.services, problems);
  const defaults = sound.defaults ?? stackShape.defaults.parse(undefined);
  const hasEveryService = Array.isArray(values.services) && services.length === values.services.length;
  problems.push(...ruleProblems({ ...sound, defaults, services, hasEveryService, secretKeys }));
  if (problems.length > 0) {
    const hide = (problem: Problem) => ({ ...problem, sensitive: secretKeys.has(problem.path.split(/[.[]/)[0] ?? "") });
    const inOrder = problems.map(hide).sort(byKeyOrder);
    throw new ConfigError(
      project,
      inOrder.map(({ path, expected, ...problem }) => ({
        ...problem,
        path: relabel(path, places),
        expected: relabel(expected, places),
      })),
    );
  }
  // Without a problem, every part is there.
  const parsed = { ...sound, services: services.map(({ service }) => service) } as ParsedStack;
  const stack = resolveStack(parsed);
  return { ...stack, fieldUses: stack.fieldUses.map((use) => ({ ...use, path: relabel(use.path, places) })) };
}

function unknownKeys(values: Readonly<Record<string, unknown>>): Problem[] {
  const known: readonly string[] = STACK_KEYS;
  return Object.keys(values)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: key, value: values[key], expected: unknownKey(key, known) }));
}

/** The services that pass their schema, with their places; what is wrong with the others goes to `problems`. */
function checkedServices(given: unknown, problems: Problem[]): IndexedService[] {
  if (!Array.isArray(given) || given.length === 0) {
    problems.push(...check(stackShape.services, given, ["services"]).problems);
    return [];
  }
  return given.flatMap((entry, index) => {
    const result = check(serviceSchema, entry, ["services", index]);
    problems.push(...result.problems);
    return result.value === undefined ? [] : [{ index, service: result.value }];
  });
}

function byKeyOrder(a: Problem, b: Problem): number {
  return rank(a) - rank(b);
}

/** Place of a problem in the file: by key, and services by their index. */
function rank({ path }: Problem): number {
  const key = path.split(/[.[]/)[0] ?? "";
  const place = (STACK_KEYS as readonly string[]).indexOf(key);
  const index = Number(/^services\[(\d+)\]/.exec(path)?.[1] ?? 0);
  return (place < 0 ? STACK_KEYS.length : place) * 10_000 + index;
}
