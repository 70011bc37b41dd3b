import type { Match } from "../schema/routing/match";
import type { ParsedPath } from "../schema/path";
import type { Rule } from "./model";

/** The path as a DNS label: `/api/v1` is `api-v1`, `/` is `root`. */
export function ruleName(path: Pick<ParsedPath, "name" | "path">): string {
  return path.name ?? slug(path.path);
}

function slug(path: string): string {
  const words = path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return words === "" ? "root" : words;
}

const TYPE_RANK: Readonly<Record<Rule["type"], number>> = { Exact: 0, PathPrefix: 1, RegularExpression: 2 };

/**
 * Exact before prefix before regular expression, then the longer path, then a method, more headers, more query parameters: the
 * order in which Istio sorts the routes of a host, whatever their order in the HTTPRoutes.
 */
export function byPrecedence(a: Matched, b: Matched): number {
  const size = (map: object = {}) => Object.keys(map).length;
  const length = ({ type, path }: Matched) => (type === "PathPrefix" ? path.replace(/(?<=.)\/+$/, "") : path).length;
  return (
    TYPE_RANK[a.type] - TYPE_RANK[b.type] ||
    length(b) - length(a) ||
    Number(b.match?.method !== undefined) - Number(a.match?.method !== undefined) ||
    size(b.match?.headers) - size(a.match?.headers) ||
    size(b.match?.query) - size(a.match?.query)
  );
}

/**
 * The order in which rules are emitted, so that routes read as they behave. Istio leaves equal rules as they are, and only of regular
 * expressions may several match: they stay in the order of the config.
 */
export function byEnvoyOrder(a: Matched, b: Matched): number {
  const byName = a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  return byPrecedence(a, b) || (a.type === "RegularExpression" ? 0 : byName);
}

type Matched = Pick<ParsedPath, "type" | "path" | "match">;

/** The conditions of both; the override's win. */
export function mergeMatches(path: Match | undefined, override: Match): Match {
  const taken = new Set(Object.keys(override.headers ?? {}).map((name) => name.toLowerCase()));
  const otherHeaders = Object.fromEntries(
    Object.entries(path?.headers ?? {}).filter(([name]) => !taken.has(name.toLowerCase())),
  );
  return {
    method: override.method ?? path?.method,
    headers: { ...otherHeaders, ...override.headers },
    query: { ...path?.query, ...override.query },
  };
}
