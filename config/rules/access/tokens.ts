import { headerChanges, MAX_OTHER_HEADERS } from "../../resolve/headerChanges";
import { givenAccesses, hidesToken } from "../../resolve/entrance";
import { TOKEN_HEADER } from "../../schema/access/jwt";
import { onePerPath, type Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";
import { sameContent } from "../../values/sameContent";

/** Services and paths that check the tokens of one issuer with different keys: Istio would accept only those that the first keys fit. */
export function issuerProblems({ services, defaults }: CheckedStack): Problem[] {
  const issuers = new Map<string, { readonly at: string; readonly keys: unknown }>();
  const problems = services
    .flatMap((indexed) => givenAccesses(indexed, defaults))
    .flatMap(({ at: here, access }): Problem[] => {
      const jwt = access?.jwt;
      if (jwt === undefined) {
        return [];
      }
      const { issuer, jwks, jwksUri } = jwt;
      const keys = jwksUri ?? jwks;
      const at = `${here}.jwt`;
      const first = issuers.get(issuer) ?? { at, keys };
      issuers.set(issuer, first);
      if (sameContent(first.keys, keys)) {
        return [];
      }
      const key = jwksUri === undefined ? "jwks" : "jwksUri";
      const expected = `the same jwks or jwksUri as ${first.at}: Istio checks all tokens of ${issuer} with the same keys`;
      return [{ path: `${at}.${key}`, value: jwt[key], expected }];
    });
  return onePerPath(problems);
}

/** A route that hides the token has a header more to remove. */
export function hiddenTokenProblems({ services, defaults }: CheckedStack): Problem[] {
  return services
    .filter((indexed) => givenAccesses(indexed, defaults).some(({ access }) => hidesToken(access)))
    .flatMap((indexed) => headerChanges(indexed, "requestHeaders"))
    .filter(({ changes: { remove = [] } }) => remove.length > MAX_OTHER_HEADERS)
    .map(({ at, changes }) => ({
      path: `${at}.remove`,
      value: changes.remove?.length,
      expected: `at most ${MAX_OTHER_HEADERS} headers besides ${TOKEN_HEADER}, which access.jwt removes without forwardOriginalToken`,
    }));
}
