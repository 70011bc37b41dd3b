import { givenAccesses } from "../../resolve/entrance";
import { headerChanges } from "../../resolve/headerChanges";
import { variablesOf } from "../../schema/routing/variables";
import type { IndexedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Variables of headers that no request to the service would have. */
export function headerVariableProblems(stack: CheckedStack): Problem[] {
  return stack.services.flatMap((indexed) =>
    (["requestHeaders", "responseHeaders"] as const).flatMap((key) =>
      headerChanges(indexed, key).flatMap(({ at, changes: { set = {}, add = {} } }) =>
        [...Object.entries(set).map(named(`${at}.set`)), ...Object.entries(add).map(named(`${at}.add`))].flatMap(
          ({ path, value }) => flawsOf(value, indexed, stack).map((expected) => ({ path, value, expected })),
        ),
      ),
    ),
  );
}

function named(at: string): (entry: [string, string]) => { path: string; value: string } {
  return ([name, value]) => ({ path: `${at}.${name}`, value });
}

function flawsOf(value: string, indexed: IndexedService, { gateway, defaults }: CheckedStack): string[] {
  const names = variablesOf(value);
  const hasToken = givenAccesses(indexed, defaults).some(({ access }) => access?.jwt !== undefined);
  const hasCertificate =
    indexed.service.clientCertificates !== undefined || gateway?.tls.clientCertificates !== undefined;
  return [
    ...(names.some((name) => name.startsWith("claim.")) && !hasToken
      ? ["access.jwt beside a claim: nobody checks tokens of the service"]
      : []),
    ...(names.includes("tlsSubject") && !hasCertificate
      ? ["clientCertificates beside ${tlsSubject}: nobody is asked for a certificate"]
      : []),
  ];
}
