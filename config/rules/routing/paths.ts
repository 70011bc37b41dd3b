import { ruleName } from "../../resolve/paths";
import { nearest } from "../../resolve/nearest";
import type { ParsedPath } from "../../schema/path";
import type { IndexedService, ParsedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { matchKey } from "./precedence";

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
