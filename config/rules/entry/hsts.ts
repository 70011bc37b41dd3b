import { byHost } from "../../resolve/byHost";
import { headerChanges, MAX_OTHER_HEADERS } from "../../resolve/headerChanges";
import { HSTS_HEADER } from "../../schema/entry/hsts";
import type { HeaderChanges } from "../../schema/routing/filters";
import { nearest } from "../../resolve/nearest";
import type { Problem } from "../../values/problem";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";
import { sameContent } from "../../values/sameContent";

/** HSTS is set in one place, the same for all of a host, and leaves room for the other headers. */
export function hstsProblems(stack: CheckedStack): Problem[] {
  return [...sharedHostProblems(stack), ...headerProblems(stack)];
}

/** Browsers keep one HSTS policy for a host, that of its latest answer. Clients of gRPC heed none. */
function sharedHostProblems(stack: CheckedStack): Problem[] {
  const { gateway } = stack;
  const policyOf = ({ service }: IndexedService) => nearest(service.hsts, gateway?.hsts) ?? false;
  return byHost(stack).flatMap(({ host, services }) => {
    const [first, ...others] = services.filter(({ service }) => service.protocol === "http");
    return others
      .filter((other) => first !== undefined && !sameContent(policyOf(other), policyOf(first)))
      .map(({ index, service }) => ({
        path: `services[${index}].hsts`,
        value: service.hsts,
        expected: `the same hsts as services[${first?.index ?? 0}]: both serve ${host}, and browsers keep one hsts for a host`,
      }));
  });
}

function headerProblems({ gateway, services }: CheckedStack): Problem[] {
  return services
    .filter(({ service }) => nearest(service.hsts, gateway?.hsts) !== undefined)
    .flatMap(({ index, service }: IndexedService) => [
      ...(service.protocol === "grpc" && service.hsts !== undefined
        ? [
            {
              path: `services[${index}].hsts`,
              value: service.hsts,
              expected: "not allowed for gRPC: only browsers heed HSTS",
            },
          ]
        : []),
      ...headerChanges({ index, service }, "responseHeaders").flatMap(changeProblems),
    ]);
}

function changeProblems({ at, changes }: { at: string; changes: HeaderChanges }): Problem[] {
  const { set = {}, add = {}, remove = [] } = changes;
  const named = [
    ...Object.entries(set).map(([name, value]) => ({ name, value, path: `${at}.set.${name}` })),
    ...Object.entries(add).map(([name, value]) => ({ name, value, path: `${at}.add.${name}` })),
    ...remove.map((name, index) => ({ name, value: name, path: `${at}.remove[${index}]` })),
  ];
  const problems = named
    .filter(({ name }) => name.toLowerCase() === HSTS_HEADER)
    .map(({ path, value }): Problem => ({
      path,
      value,
      expected: "a header other than strict-transport-security, which hsts sets",
    }));
  const count = Object.keys(set).length;
  if (count > MAX_OTHER_HEADERS) {
    problems.push({ path: `${at}.set`, value: count, expected: `at most ${MAX_OTHER_HEADERS} headers besides hsts` });
  }
  return problems;
}
