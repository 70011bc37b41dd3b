import { isIP } from "node:net";
import { byHost } from "../../resolve/byHost";
import { sameContent } from "../../values/sameContent";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** What external-dns is told of a host has one source, and a record one kind of target. */
export function externalDnsProblems(stack: CheckedStack): Problem[] {
  const { gateway, services, streams } = stack;
  const target = gateway?.externalDns?.target;
  const mixed = Array.isArray(target) && target.length > 1 && target.some((one) => isIP(one) === 0);
  const needless = [...services, ...streams]
    .filter(({ service }) => service.externalDns !== undefined && gateway !== undefined && !gateway.externalDns)
    .map(({ index, service }) => ({
      path: `services[${index}].externalDns`,
      value: service.externalDns,
      expected: "gateway.externalDns too, {} for instance: without it, external-dns is told nothing",
    }));
  const different = byHost(stack).flatMap(({ host, services: [first, ...others] }) =>
    others
      .filter(({ service }) => !sameContent(service.externalDns, first.service.externalDns))
      .map(({ index, service }) => ({
        path: `services[${index}].externalDns`,
        value: service.externalDns,
        expected: `the same externalDns as services[${first.index}]: both serve ${host}, which has one record`,
      })),
  );
  return [
    ...(mixed
      ? [
          {
            path: "gateway.externalDns.target",
            value: target,
            expected:
              "IP addresses, or a single name: a name with a CNAME has no other record (RFC 1034, section 3.6.2)",
          },
        ]
      : []),
    ...needless,
    ...different,
  ];
}
