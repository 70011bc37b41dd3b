import { HSTS_HEADER } from "../../schema/entry/hsts";
import type { HeaderChanges } from "../../schema/routing/filters";
import { hostOf, nearest } from "../../resolve/service";
import type { Problem } from "../../values/problem";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** Gateway API: at most 16 headers in a list, one of which is HSTS. */
const MAX_OTHER_HEADERS = 15;

/** HSTS is set in one place, the same for all of a host, and leaves room for the other headers. */
export function hstsProblems(stack: CheckedStack): Problem[] {
  return [...stack.services.flatMap(sharedHostProblems(stack)), ...headerProblems(stack)];
}

/** Browsers keep one HSTS policy for a host, that of its latest answer. */
function sharedHostProblems({ domain = "", gateway }: CheckedStack) {
  const first = new Map<string, IndexedService & { readonly policy: string }>();
  return ({ index, service }: IndexedService): Problem[] => {
    const host = hostOf(service, domain);
    const policy = JSON.stringify(nearest(service.hsts, gateway?.hsts) ?? false);
    const earlier = first.get(host);
    // Two protocols are a mistake of their own, see grpcProblems.
    const isOther = earlier !== undefined && earlier.service.protocol === service.protocol && earlier.policy !== policy;
    if (!isOther) {
      first.set(host, earlier ?? { index, service, policy });
      return [];
    }
    const expected = `the same hsts as services[${earlier.index}]: both serve ${host}, and browsers keep one hsts for a host`;
    return [{ path: `services[${index}].hsts`, value: service.hsts, expected }];
  };
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
      ...changeProblems(`services[${index}].responseHeaders`, service.responseHeaders),
      ...service.paths.flatMap((path, pathIndex) =>
        changeProblems(`services[${index}].paths[${pathIndex}].responseHeaders`, path.responseHeaders),
      ),
    ]);
}

function changeProblems(at: string, changes: HeaderChanges | false | undefined): Problem[] {
  const { set = {}, add = {}, remove = [] } = changes || {};
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
