import { answersOf, hasBackends } from "../../resolve/answers";
import { ruleName } from "../../resolve/paths";
import { nearest } from "../../resolve/nearest";
import type { ParsedPath } from "../../schema/path";
import { groupsIn } from "../../schema/routing/filters";
import type { IndexedService, ParsedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import { groupCount } from "../../values/regularExpression";
import type { CheckedStack } from "../checkedStack";
import { matchKey } from "./precedence";

/** A prefix rewrite needs a prefix to replace, and one with groups an expression that has them. */
export function rewriteProblems({ services }: CheckedStack): Problem[] {
  return ofEveryPath(services, (path, { service, at, here }) => {
    const rewrite = hasBackends(answersOf(service, path)) ? nearest(path.rewrite, service.rewrite) : undefined;
    if (rewrite?.prefix !== undefined && path.type !== "PathPrefix") {
      return [noPrefix("rewrite", here, path)];
    }
    const groups = groupsIn(rewrite?.path ?? "");
    const count = path.type === "RegularExpression" ? groupCount(path.path) : 0;
    if (groups.length === 0 || (path.type === "RegularExpression" && Math.max(...groups) <= count)) {
      return [];
    }
    const expected =
      path.type === "RegularExpression"
        ? `groups that ${path.path} has: it has ${count}`
        : `fixed text for ${path.type} ${path.path}: only a RegularExpression has groups; rewrite.prefix keeps the rest of the path`;
    return [{ path: `${path.rewrite ? here : at}.rewrite.path`, value: rewrite?.path, expected }];
  });
}

/** A path of another type than PathPrefix, of which `rewrite` or `redirect` replaces the prefix. */
export function noPrefix(key: "rewrite" | "redirect", here: string, { type }: Pick<ParsedPath, "type">): Problem {
  const expected = `PathPrefix, or ${key}.path instead of ${key}.prefix: ${type} has no prefix to replace`;
  return { path: `${here}.type`, value: type, expected };
}

/** Names of rules are unique within their service. */
export function ruleNameProblems({ services }: CheckedStack): Problem[] {
  return ofEveryPath(services, (path, { service, at, here, pathIndex }) => {
    const name = ruleName(path);
    const earlier = service.paths.findIndex((other) => ruleName(other) === name);
    const other = service.paths[earlier];
    // Two paths with the same match are reported by duplicateProblems.
    if (earlier === pathIndex || other === undefined || matchKey(other) === matchKey(path)) {
      return [];
    }
    return [{ path: `${here}.name`, value: name, expected: `a name other than that of ${at}.paths[${earlier}]` }];
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
