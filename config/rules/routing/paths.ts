import type { Problem } from "../../values/problem";
import { ruleName } from "../../resolve/paths";
import type { ParsedPath } from "../../schema/routing/path";
import type { IndexedService } from "../../schema/service";

import type { CheckedStack } from "../checkedStack";

/** Rules between the paths of one service. */
export function pathProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap(ofService);
}

function ofService({ index, service }: IndexedService): Problem[] {
  const at = `services[${index}]`;
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  service.paths.forEach((path, pathIndex) => {
    const here = `${at}.paths[${pathIndex}]`;
    const rewrite = path.rewrite ?? service.rewrite;
    if (rewrite?.prefix !== undefined && path.type !== "PathPrefix") {
      const expected = `a path of type PathPrefix, or rewrite.path: ${path.type} has no prefix to replace`;
      problems.push({ path: `${here}.type`, value: path.type, expected });
    }
    const name = ruleName(path);
    const earlier = names.get(name);
    const sameMatch = earlier !== undefined && matchKey(service.paths[earlier]) === matchKey(path);
    if (earlier === undefined) {
      names.set(name, pathIndex);
    } else if (!sameMatch) {
      const expected = `a name other than that of ${at}.paths[${earlier}]`;
      problems.push({ path: `${here}.name`, value: name, expected });
    }
    const shadow = service.paths.findIndex((other) => shadows(other, path));
    if (shadow >= 0) {
      const covering = service.paths[shadow]?.path ?? "";
      const expected = `no prefix that covers it: Istio tries prefixes first, so ${at}.paths[${shadow}] (${covering}) takes every request; make that one a RegularExpression, such as /.*`;
      problems.push({ path: `${here}.path`, value: path.path, expected });
    }
  });
  return problems;
}

/** A regular expression that only ever sees what a prefix on the same host has already taken. */
function shadows(prefix: ParsedPath, regex: ParsedPath): boolean {
  if (prefix.type !== "PathPrefix" || regex.type !== "RegularExpression" || prefix.match !== undefined) {
    return false;
  }
  const literal = /^[^\\.*+?()[\]{}|^$]*/.exec(regex.path)?.[0] ?? "";
  const bare = prefix.path.replace(/\/+$/, "");
  return bare === "" || literal.startsWith(`${bare}/`);
}

/** What a match amounts to: /a and /a/ are one prefix. */
export function matchKey(path: ParsedPath | undefined): string {
  if (path === undefined) {
    return "";
  }
  const bare = path.type === "PathPrefix" ? path.path.replace(/(?<=.)\/+$/, "") : path.path;
  return `${path.type} ${bare} ${canonical(path.match)}`;
}

/** A match as text, whatever the order of its keys and the case of its headers. */
function canonical(match: ParsedPath["match"]): string {
  const sorted = (map: object = {}) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const headers = sorted(match?.headers).map(([name, value]) => [name.toLowerCase(), value as unknown]);
  return JSON.stringify([match?.method, headers, sorted(match?.query)]);
}
