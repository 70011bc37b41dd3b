import { byHost } from "../../resolve/byHost";
import { byPrecedence } from "../../resolve/paths";
import { pathSettings, type PathSettings } from "../../resolve/pathSettings";
import type { Cors } from "../../schema/routing/cors";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { matchKey } from "./precedence";

/**
 * Paths whose preflights nobody answers, or another path of the host that allows less: a preflight is an OPTIONS request without the
 * headers that the page will send.
 */
export function corsProblems(stack: CheckedStack): Problem[] {
  return byHost(stack).flatMap(({ services }) => {
    const paths = services.flatMap((indexed) => pathSettings(indexed, stack.defaults));
    return paths.flatMap((setting) => preflightProblem(setting, paths));
  });
}

function preflightProblem({ here, path, cors }: PathSettings, paths: readonly PathSettings[]): Problem[] {
  if (cors === undefined) {
    return [];
  }
  const own = matchKey({ ...path, match: undefined });
  const [answering] = paths
    .filter((other) => matchKey({ ...other.path, match: undefined }) === own && takesPreflights(other.path))
    .sort((a, b) => byPrecedence(a.path, b.path));
  if (answering?.cors === undefined) {
    const expected = `cors also on ${path.path} without a match on headers or method: a preflight is an OPTIONS request without those headers`;
    return [{ path: `${here}.match`, value: path.match, expected }];
  }
  const { at, value } = answering.cors;
  return LISTS.filter((key) => !allows(value[key], cors.value[key])).map((key) => ({
    path: `${cors.at}.${key}`,
    value: cors.value[key],
    expected: `nothing beyond ${at}.${key}: ${answering.here} gets the preflights of this path`,
  }));
}

const LISTS = ["allowOrigins", "allowMethods", "allowHeaders"] as const satisfies (keyof Cors)[];

function allows(answered: readonly string[] = [], wanted: readonly string[] = []): boolean {
  const names = new Set(answered.map((name) => name.toLowerCase()));
  return names.has("*") || wanted.every((name) => names.has(name.toLowerCase()));
}

function takesPreflights({ match }: PathSettings["path"]): boolean {
  return match?.headers === undefined && (match?.method === undefined || match.method === "OPTIONS");
}
