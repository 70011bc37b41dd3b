import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Namespaces that the listener would refuse. */
export function namespaceProblems({ gateway, services, streams }: CheckedStack): Problem[] {
  if (gateway?.allowedRoutes !== "Same") {
    return [];
  }
  return [...services, ...streams]
    .filter(({ service }) => service.namespace !== gateway.namespace)
    .map(({ index, service }) => ({
      path: `services[${index}].namespace`,
      value: service.namespace,
      expected: `${gateway.namespace}, since gateway.allowedRoutes is Same (Selector allows other namespaces)`,
    }));
}
