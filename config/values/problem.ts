import { grouped } from "./grouped";

/**
 * One mistake in the stack config: where it is, what was given, what is expected. Problems are collected, never thrown one by
 * one, so that users can fix a file in one go.
 */
export interface Problem {
  /** Key path below the project's config namespace, e.g. `services[1].host`. */
  readonly path: string;
  /** Name of the service whose key it is, since nobody counts lists; absent if it has no readable one, or that is the mistake. */
  readonly service?: string;
  /** The value as given; `undefined` if the key is absent. Omitted for problems that are not about a single value. */
  readonly value?: unknown;
  /** What to write instead, as a phrase that completes "expected …". */
  readonly expected: string;
  /** True if the value comes from a Pulumi secret: it is not shown. */
  readonly sensitive?: boolean;
  /** Environments of Pulumi ESC that may set what is not set: only Pulumi can read them. */
  readonly environments?: readonly string[];
}

/** Longest rendering of a given value, in characters; more would bury the message. */
const MAX_VALUE_LENGTH = 60;

/** Keys whose values never appear in an error. */
const SENSITIVE_KEY = /(key|pem|password|token|secret|kubeconfig)/i;

/** The first problem of each key path: a mistake in what services inherit is reported once. */
export function onePerPath(problems: readonly Problem[]): Problem[] {
  return [...grouped(problems, ({ path }) => path).values()].map(([first]) => first);
}

/** The keys and places in lists that lead to a value. */
export type KeyPath = readonly (string | number)[];

/** A key path in the form of Pulumi's own config paths: `services[1].backends[0].port`. */
export function keyPath(segments: readonly PropertyKey[]): string {
  return segments.reduce<string>((path, segment) => {
    if (typeof segment === "number") {
      return `${path}[${segment}]`;
    }
    return path === "" ? String(segment) : `${path}.${String(segment)}`;
  }, "");
}

function isSensitive(path: string): boolean {
  const leaf = path.split(".").at(-1) ?? "";
  return SENSITIVE_KEY.test(leaf) && leaf !== "secretName";
}

function describeValue(problem: Problem): string {
  if (problem.value === undefined) {
    return "not set";
  }
  const text = JSON.stringify(problem.value);
  if (problem.sensitive === true || isSensitive(problem.path) || text.includes("-----BEGIN ")) {
    return "[hidden]";
  }
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 1)}…` : text;
}

/** A key path, and the name of its service, if it is in one: `services[1].port (shop)`. */
export function withService(path: string, service: string | undefined): string {
  return service === undefined ? path : `${path} (${service})`;
}

/** `istio-gateway:services[1].port (shop): 99999, expected a port from 1 to 65535`, or `shop.yaml[0].port …` in a service file. */
export function formatProblem(project: string, problem: Problem): string {
  const isInFile = /\.ya?ml\[\d+\]/.test(problem.path);
  const key = `${isInFile || project === "" ? "" : `${project}:`}${problem.path}`;
  const { service, value, expected, environments = [] } = problem;
  const elsewhere =
    value === undefined && environments.length > 0
      ? ` in the stack file, but perhaps in the environment ${environments.join(", ")}, which only Pulumi can read`
      : "";
  return `${withService(key, service)}: ${describeValue(problem)}${elsewhere}, expected ${expected}`;
}

/** All problems of a stack's config in one error: a line with the count, then a line per problem. */
export class ConfigError extends Error {
  constructor(
    readonly project: string,
    readonly problems: readonly Problem[],
  ) {
    const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
    const lines = problems.map((problem) => `  ${formatProblem(project, problem)}`);
    super([`stack config has ${count}, nothing was changed:`, ...lines].join("\n"));
    this.name = "ConfigError";
  }
}
