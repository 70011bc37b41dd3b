import { IN_PLACE_OF_ALIAS, isAlias } from "../../resolve/namedPorts";
import { serviceTargets } from "../../resolve/model";
import { parsedTargets } from "../../resolve/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Services that the files of kubernetes.services show to be names in DNS only. The lookup of ports by name finds the others. */
export function aliasProblems({ services, streams, findService }: CheckedStack): Problem[] {
  return [...services, ...streams].flatMap(({ index, service }) => {
    const alias = serviceTargets(parsedTargets(service)).find(
      (target) => typeof target.port === "number" && isAlias(findService?.(target) ?? {}),
    );
    const value = alias && `${alias.namespace}/${alias.service}`;
    return alias === undefined ? [] : [{ path: `services[${index}].backends`, value, expected: IN_PLACE_OF_ALIAS }];
  });
}
