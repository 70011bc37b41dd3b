import { ruleName } from "../../resolve/paths";
import { nearest } from "../../resolve/service";
import type { ParsedPath } from "../../schema/routing/path";
import type { IndexedService, ParsedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** A prefix rewrite needs a prefix to replace. */
export function rewriteProblems({ services }: CheckedStack): Problem[] {
  return ofEveryPath(services, (path, { service, here }) => {
    const rewrite = nearest(path.rewrite, service.rewrite);
    const expected = `PathPrefix, or rewrite.path instead of rewrite.prefix: ${path.type} has no prefix to replace`;
    return rewrite?.prefix !== undefined && path.type !== "PathPrefix"
      ? [{ path: `${here}.type`, value: path.type, expected }]
      : [];
  });
}

/** Names of rules are unique within their service. */
export function ruleNameProblems({ services }: CheckedStack): Problem[] {
  return ofEveryPath(services, (path, { service, at, here, pathIndex }) => {
    const name = ruleName(path);
    const earlier = service.paths.findIndex((other) => ruleName(other) === name);
    // Two paths with the same match are reported by duplicateProblems.
    if (earlier === pathIndex || matchKey(service.paths[earlier]) === matchKey(path)) {
      return [];
    }
    return [{ path: `${here}.name`, value: name, expected: `a name other than that of ${at}.paths[${earlier}]` }];
  });
}

/** Paths that never get a request. */
export function shadowProblems({ services }: CheckedStack): Problem[] {
  return ofEveryPath(services, (path, { service, at, here }) => {
    const shadow = service.paths.findIndex((other) => shadows(other, path));
    const covering = service.paths[shadow]?.path ?? "";
    const expected = `no prefix that covers it: Istio tries prefixes first, so ${at}.paths[${shadow}] (${covering}) gets every request; make that one a RegularExpression, such as /.*`;
    return shadow < 0 ? [] : [{ path: `${here}.path`, value: path.path, expected }];
  });
}

interface Place {
  readonly service: ParsedService;
  readonly at: string;
  readonly here: string;
  readonly pathIndex: number;
}

function ofEveryPath(
  services: readonly IndexedService[],
  look: (path: ParsedPath, place: Place) => Problem[],
): Problem[] {
  return services.flatMap(({ index, service }) => {
    const at = `services[${index}]`;
    return service.paths.flatMap((path, pathIndex) =>
      look(path, { service, at, here: `${at}.paths[${pathIndex}]`, pathIndex }),
    );
  });
}

/** Whether a prefix on the same host takes every request that a regular expression could match. */
function shadows(prefix: ParsedPath, regex: ParsedPath): boolean {
  if (prefix.type !== "PathPrefix" || regex.type !== "RegularExpression" || prefix.match !== undefined) {
    return false;
  }
  const literal = /^[^\\.*+?()[\]{}|^$]*/.exec(regex.path)?.[0] ?? "";
  const bare = prefix.path.replace(/\/+$/, "");
  return bare === "" || literal.startsWith(`${bare}/`);
}

/** A match in canonical form: /a and /a/ are the same prefix. */
export function matchKey(path: ParsedPath | undefined): string {
  if (path === undefined) {
    return "";
  }
  const bare = path.type === "PathPrefix" ? path.path.replace(/(?<=.)\/+$/, "") : path.path;
  return `${path.type} ${bare} ${canonical(path.match)}`;
}

/** A match as text, independent of the order of its keys and the case of its headers. */
function canonical(match: ParsedPath["match"]): string {
  const sorted = (map: object = {}) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const headers = sorted(match?.headers).map(([name, value]) => [name.toLowerCase(), value as unknown]);
  return JSON.stringify([match?.method, headers, sorted(match?.query)]);
}
