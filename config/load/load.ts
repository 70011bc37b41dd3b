import type { z } from "zod";
import type { StackConfig } from "../resolve/model";
import { resolveStack } from "../resolve/stack";
import { isStream } from "../resolve/protocols";
import { type Domain, domainsOf } from "../resolve/domains";
import { type CheckedService, ruleProblems } from "../rules";
import { type ParsedPath, pathRuleSchema, pathSchema } from "../schema/path";
import { type ParsedService, serviceSchema } from "../schema/service";
import { type ParsedStack, STACK_KEYS, type StackKey, stackShape } from "../schema/stack";
import { ifReadable, partial } from "../values/partial";
import { ConfigError, type Problem } from "../values/problem";
import type { GivenConfig } from "./givenConfig";
import { knownServices } from "./knownServices";
import { withPageFiles } from "./pageFiles";
import { checkSecrets } from "./secrets";
import { gatherServices, relabel } from "./serviceFiles";
import { servedServices } from "./sharedLists";
import { check, unknownKey } from "./zodProblems";

/**
 * Checks a stack's config and fills in its defaults. Each part, and each key of a service, is checked on its own, so that no
 * mistake hides another. Rules across parts are checked on whatever is valid.
 * @throws {ConfigError} with every problem, in the order of the keys.
 */
export function loadConfig(given: GivenConfig): StackConfig {
  const { project, environments = [] } = given;
  const secrets = checkSecrets(given);
  const { places, problems: unread, ...gathered } = gatherServices({ ...given, values: secrets.values });
  const { values, problems: unreadPages } = withPageFiles({ ...gathered, folder: given.folder });
  const misread = [...(given.problems ?? []), ...unread, ...unreadPages];
  const problems: Problem[] = unknownKeys(values);
  const parts: Partial<Record<StackKey, unknown>> = {};
  for (const key of STACK_KEYS.filter((name) => name !== "services")) {
    const result = check<z.ZodType>(stackShape[key], values[key], [key]);
    problems.push(...result.problems);
    parts[key] = result.value;
  }
  const sound = parts as Partial<Omit<ParsedStack, "services">>;
  const listed = checkedServices(values.services, problems);
  const { served: services, problems: unplaced } = servedServices(listed, sound.gateway);
  problems.push(...unplaced);
  const defaults = sound.defaults ?? stackShape.defaults.parse(undefined);
  const hasEveryService =
    Array.isArray(values.services) &&
    listed.length === values.services.length &&
    listed.every(({ isWhole }) => isWhole);
  const { isSecret } = secrets;
  const { find: findService, problems: unreadable } = knownServices(sound.kubernetes, given.folder);
  problems.push(...unreadable);
  problems.push(
    ...ruleProblems({
      ...sound,
      defaults,
      services: services.filter((service) => !isOfStream(service)),
      streams: services.filter(isOfStream),
      hasEveryService,
      isSecret,
      domainList: domainList(sound, problems),
      sharedLimits: problems.some(({ path }) => path.startsWith("rateLimitService"))
        ? undefined
        : Object.keys(sound.rateLimitService?.shared ?? {}),
      findService,
    }),
  );
  const known = new Set(misread.map(({ path }) => path));
  const all = [...misread, ...secrets.problems(problems).filter(({ path }) => !known.has(path))];
  if (all.length > 0) {
    const completed = (problem: Problem) => ({
      ...problem,
      service: nameFor(problem, values.services, secrets.mayShow),
      sensitive: secrets.mayShow(problem.path),
      environments,
    });
    const inOrder = all.map(completed).sort(byKeyOrder);
    throw new ConfigError(
      project,
      inOrder.map(({ path, expected, ...problem }) => ({
        ...problem,
        path: relabel(path, places),
        expected: relabel(expected, places),
      })),
    );
  }
  // If there is no problem, every part is present.
  const parsed = { ...sound, services: services.map(({ service }) => service) } as ParsedStack;
  const stack = resolveStack(parsed, findService ?? (() => undefined));
  const served = services.map(({ index }) => places[index] ?? `services[${index}]`);
  const relabeled = <T extends { readonly path: string }>(entry: T): T => ({
    ...entry,
    owner: serviceAt(entry.path, parsed.services)?.name,
    path: relabel(entry.path, served),
  });
  return {
    ...stack,
    fieldUses: stack.fieldUses.map(relabeled),
    namedPorts: stack.namedPorts.map(relabeled),
  };
}

/** A service whose protocol is wrong counts as one of requests, of which more keys are known. */
function isOfStream({ service }: CheckedService): boolean {
  return ifReadable(() => isStream(service)) ?? false;
}

/** The domains, unless one of their keys is wrong. */
function domainList(stack: Partial<ParsedStack>, problems: readonly Problem[]): Domain[] | undefined {
  return problems.some(({ path }) => /^domains?\b/.test(path)) ? undefined : domainsOf(stack);
}

/** The name of the service that a problem is in, unless the name is the mistake, or could be a secret. */
function nameFor({ path }: Problem, services: unknown, mayShow: (path: string) => boolean): string | undefined {
  const { at, name } = Array.isArray(services) ? (serviceAt(path, services as { name?: unknown }[]) ?? {}) : {};
  return at === undefined || path === at || mayShow(at) ? undefined : serviceSchema.shape.name.safeParse(name).data;
}

/** The name of the service that a key path leads into, and its own key path; undefined for keys of the stack. */
function serviceAt<T>(path: string, services: readonly { name?: T }[]): { at: string; name?: T } | undefined {
  const [place, index] = /^services\[(\d+)\]/.exec(path) ?? [];
  return place === undefined ? undefined : { at: `${place}.name`, name: services[Number(index)]?.name };
}

function unknownKeys(values: Readonly<Record<string, unknown>>): Problem[] {
  const known: readonly string[] = STACK_KEYS;
  return Object.keys(values)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: key, value: values[key], expected: unknownKey(key, known) }));
}

/** The services as far as they pass their schema; their problems go to `problems`. */
function checkedServices(given: unknown, problems: Problem[]): CheckedService[] {
  if (!Array.isArray(given) || given.length === 0) {
    problems.push(...check(stackShape.services, given, ["services"]).problems);
    return [];
  }
  return given.flatMap((entry, index) => {
    const result = check(serviceSchema, entry, ["services", index]);
    problems.push(...result.problems);
    const service = result.value ?? partialService(entry);
    return service === undefined ? [] : [{ index, service, isWhole: result.value !== undefined }];
  });
}

/** The valid keys of a service, if it is a map at all. */
function partialService(entry: unknown): ParsedService | undefined {
  const parts = partsOf(serviceSchema.shape, entry, (key, value) =>
    key === "paths" && Array.isArray(value) ? value.map(partialPath) : undefined,
  );
  return parts && partial<ParsedService>(parts.sound, parts.wrong);
}

/** The same for a path. */
function partialPath(entry: unknown): ParsedPath {
  const result = pathSchema.safeParse(entry);
  if (result.success) {
    return result.data;
  }
  const parts = partsOf(pathRuleSchema.shape, entry, () => undefined);
  // Not only keys that are wrong on their own: which characters a path may contain depends on its type.
  const wrong = result.error.issues.flatMap(({ path: [key] }) => key ?? []);
  return partial<ParsedPath>(
    parts?.sound ?? {},
    new Set(parts === undefined ? Object.keys(pathRuleSchema.shape) : wrong),
  );
}

/**
 * The keys of a map that pass their own schemas, and the names of those that do not; undefined if it is not a map.
 * @param within What is valid inside a key that is wrong as a whole; undefined for nothing.
 */
function partsOf(
  shape: Readonly<Record<string, z.ZodType>>,
  entry: unknown,
  within: (key: string, value: unknown) => unknown,
): { sound: Record<string, unknown>; wrong: Set<string> } | undefined {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    return undefined;
  }
  const sound: Record<string, unknown> = {};
  const wrong = new Set<string>();
  for (const [key, schema] of Object.entries(shape)) {
    const value = (entry as Record<string, unknown>)[key];
    const result = schema.safeParse(value);
    const part = result.success ? result.data : within(key, value);
    if (result.success || part !== undefined) {
      sound[key] = part;
    } else {
      wrong.add(key);
    }
  }
  return { sound, wrong };
}

function byKeyOrder(a: Problem, b: Problem): number {
  return rank(a) - rank(b);
}

/** Sort key of a problem: by key, services by their index. */
function rank({ path }: Problem): number {
  const key = path.split(/[.[]/)[0] ?? "";
  const place = (STACK_KEYS as readonly string[]).indexOf(key);
  const index = Number(/^services\[(\d+)\]/.exec(path)?.[1] ?? 0);
  return (place < 0 ? STACK_KEYS.length : place) * 10_000 + index;
}
