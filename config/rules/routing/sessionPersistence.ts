import { answersOf, hasBackends } from "../../resolve/answers";
import { nearest } from "../../resolve/nearest";
import { onePerPath, type Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** A cookie names an endpoint of one backend: where shares decide first, a client would change between them. */
export function sessionPersistenceProblems({ services }: CheckedStack): Problem[] {
  return onePerPath(
    services.flatMap(({ index, service }) =>
      service.paths.flatMap((path, pathIndex) => {
        const persistence = nearest(path.sessionPersistence, service.sessionPersistence);
        if (persistence === undefined || !hasBackends(answersOf(service, path))) {
          return [];
        }
        const backends = path.backends ?? service.backends ?? [];
        const isSplit = path.backends === undefined && (service.canary?.percent ?? 0) > 0;
        const at = `services[${index}]${path.sessionPersistence === undefined ? "" : `.paths[${pathIndex}]`}`;
        const expected =
          "one backend, and no canary with a share: of several, shares choose for each request, whatever the cookie says (canary.override and percent: 0 go together with it)";
        return isSplit || backends.filter(({ weight }) => weight !== 0).length > 1
          ? [{ path: `${at}.sessionPersistence`, value: persistence, expected }]
          : [];
      }),
    ),
  );
}
