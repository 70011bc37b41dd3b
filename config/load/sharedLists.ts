import type { CheckedService } from "../rules";
import type { GatewayConfig } from "../schema/entry/gateway";
import { ifReadable } from "../values/partial";
import type { Problem } from "../values/problem";

/**
 * What a gateway serves of a list that several share: services that name its group, or none. Without a group, a service that names some
 * is a mistake: nobody could tell whether it is served.
 * @param gateway Undefined if it is itself wrong: then all services are looked at.
 */
export function servedServices(
  services: readonly CheckedService[],
  gateway: Pick<GatewayConfig, "group"> | undefined,
): { served: CheckedService[]; problems: Problem[] } {
  const group = gateway?.group;
  const named = services.map((checked) => ({ checked, gateways: gatewaysOf(checked) }));
  const served = named
    .filter(({ gateways }) => group === undefined || gateways === undefined || gateways.includes(group))
    .map(({ checked }) => checked);
  const unplaced = gateway === undefined || group !== undefined ? [] : named;
  const problems = unplaced.flatMap(({ checked: { index }, gateways }): Problem[] => {
    const expected = "gateway.group in the stack too, such as internal: nothing says which of these this gateway is";
    return gateways === undefined ? [] : [{ path: `services[${index}].gateways`, value: gateways, expected }];
  });
  return {
    served,
    problems:
      group !== undefined && services.length > 0 && served.length === 0
        ? [
            {
              path: "gateway.group",
              value: group,
              expected: "the group of at least one service: every service has gateways without it",
            },
          ]
        : problems,
  };
}

function gatewaysOf({ service }: CheckedService): readonly string[] | undefined {
  return ifReadable(() => service.gateways);
}
