import { backendsOf } from "../../resolve/model";
import type { Problem } from "../../values/problem";
import { resolveService } from "../../resolve/service";
import type { CheckedStack } from "../checkedStack";

/** Backends that two services treat in two ways: Istio takes one DestinationRule for a host, and merges none. */
export function trafficPolicyProblems({ domain, defaults, services }: CheckedStack): Problem[] {
  if (domain === undefined) {
    return [];
  }
  const owners = new Map<string, { index: number; policy: string }>();
  return services.flatMap(({ index, service }) => {
    const resolved = resolveService(service, domain, defaults);
    const policy = JSON.stringify(resolved.trafficPolicy);
    const backends = new Set(backendsOf(resolved).map((backend) => `${backend.namespace}/${backend.service}`));
    const clash = [...backends].find((backend) => (owners.get(backend)?.policy ?? policy) !== policy);
    for (const backend of backends) {
      owners.set(backend, owners.get(backend) ?? { index, policy });
    }
    if (clash === undefined) {
      return [];
    }
    const expected = `the trafficPolicy of services[${owners.get(clash)?.index ?? 0}], since both send to ${clash}`;
    return [{ path: `services[${index}].trafficPolicy`, value: service.trafficPolicy, expected }];
  });
}
