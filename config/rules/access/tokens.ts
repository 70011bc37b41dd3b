import { hidesToken } from "../../resolve/entrance";
import { TOKEN_HEADER } from "../../schema/access/jwt";
import type { HeaderChanges } from "../../schema/routing/filters";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Gateway API: at most 16 headers in a list, one of which is the token's. */
const MAX_OTHER_HEADERS = 15;

/** Services that check the tokens of one issuer with different keys: Istio would accept only those that the first keys fit. */
export function issuerProblems({ services, defaults }: CheckedStack): Problem[] {
  const issuers = new Map<string, { readonly at: string; readonly keys: string }>();
  const problems = services.flatMap(({ index, service }): Problem[] => {
    const isInherited = service.access === undefined;
    const jwt = (service.access ?? defaults.access)?.jwt;
    if (jwt === undefined) {
      return [];
    }
    const { issuer, jwks, jwksUri } = jwt;
    const keys = jwksUri ?? JSON.stringify(jwks);
    const at = `${isInherited ? "defaults" : `services[${index}]`}.access.jwt`;
    const first = issuers.get(issuer) ?? { at, keys };
    issuers.set(issuer, first);
    if (first.keys === keys) {
      return [];
    }
    const key = jwksUri === undefined ? "jwks" : "jwksUri";
    const expected = `the same jwks or jwksUri as ${first.at}: Istio checks all tokens of ${issuer} with the same keys`;
    return [{ path: `${at}.${key}`, value: jwt[key], expected }];
  });
  return problems.filter(({ path }, index) => problems.findIndex((problem) => problem.path === path) === index);
}

/** A route that hides the token has a header more to remove. */
export function hiddenTokenProblems({ services, defaults }: CheckedStack): Problem[] {
  return services
    .filter(({ service }) => hidesToken(service.access ?? defaults.access))
    .flatMap(({ index, service }) => [
      ...removalProblem(`services[${index}].requestHeaders.remove`, service.requestHeaders),
      ...service.paths.flatMap((path, pathIndex) =>
        removalProblem(`services[${index}].paths[${pathIndex}].requestHeaders.remove`, path.requestHeaders),
      ),
    ]);
}

function removalProblem(path: string, changes: HeaderChanges | false | undefined): Problem[] {
  const count = (changes || undefined)?.remove?.length ?? 0;
  const expected = `at most ${MAX_OTHER_HEADERS} headers besides ${TOKEN_HEADER}, which access.jwt removes without forwardOriginalToken`;
  return count > MAX_OTHER_HEADERS ? [{ path, value: count, expected }] : [];
}
