import { ANY_HOST, covers } from "../../resolve/domains";
import { hostsOf } from "../../resolve/hosts";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Hosts that namespaces may bring: each once, and none that a service of the stack has. */
export function allowedListenerProblems({ gateway, defaults, services, streams, domainList }: CheckedStack): Problem[] {
  const allowed = gateway?.allowedListeners;
  if (allowed === undefined || domainList === undefined) {
    return [];
  }
  const own = [...services, ...streams].flatMap(({ index, service }) =>
    service.protocol === "tcp" ? [] : hostsOf(service, domainList).map(({ host }) => ({ host, index })),
  );
  const claims = allowed.flatMap(({ namespace, hosts }, place) =>
    hosts.map((host, at) => ({ namespace, host, path: `gateway.allowedListeners[${place}].hosts[${at}]` })),
  );
  const twice = allowed.flatMap(({ namespace: value }, place) => {
    const first = allowed.findIndex(({ namespace }) => namespace === value);
    const expected = `a namespace other than that of gateway.allowedListeners[${first}]`;
    return first === place ? [] : [{ path: `gateway.allowedListeners[${place}].namespace`, value, expected }];
  });
  const taken = claims.flatMap(({ host, path }, place): Problem[] => {
    const service = own.find((other) => overlap(host, other.host));
    const earlier = claims.slice(0, place).find((other) => overlap(host, other.host));
    const whose = service === undefined ? earlier?.path : `services[${service.index}]`;
    const expected = `hosts that ${whose ?? ""} does not have (${service?.host ?? earlier?.host ?? ""}): the more specific listener would take its clients`;
    return whose === undefined ? [] : [{ path, value: host, expected }];
  });
  return [
    ...(defaults.denyByDefault
      ? [
          {
            path: "gateway.allowedListeners",
            value: allowed,
            expected: "no allowedListeners with defaults.denyByDefault, which refuses hosts that no service has",
          },
        ]
      : []),
    ...twice,
    ...taken,
  ];
}

/** Whether two hosts or wildcards have a name in common that both were made for. `*` takes what is left, so it loses nothing. */
function overlap(a: string, b: string): boolean {
  return b !== ANY_HOST && (covers(a, b) || covers(b, a));
}
