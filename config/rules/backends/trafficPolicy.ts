import type { Problem } from "../../values/problem";
import { isExternal } from "../../resolve/model";
import { parsedTargets, resolveTrafficPolicy } from "../../resolve/service";
import type { CheckedStack } from "../checkedStack";
import { isBackendsOwn } from "../../schema/backends/tls";
import type { ParsedService } from "../../schema/service";
import { sameContent } from "../../values/sameContent";

/** Everything that requests go to, whatever the port. */
function backendNames(service: ParsedService): string[] {
  const names = parsedTargets(service).map((target) =>
    isExternal(target) ? (target.address ?? target.host) : `${target.namespace}/${target.service}`,
  );
  return [...new Set(names)];
}

/** Backends that two services treat differently: Istio applies one DestinationRule per host, and does not merge them. */
export function trafficPolicyProblems({ defaults, services }: CheckedStack): Problem[] {
  const owners = new Map<string, { index: number; policy: object }>();
  return services.flatMap(({ index, service }) => {
    const policy = resolveTrafficPolicy(service, defaults);
    const backends = backendNames(service);
    const clash = backends.find((backend) => !sameContent(owners.get(backend)?.policy ?? policy, policy));
    for (const backend of backends) {
      owners.set(backend, owners.get(backend) ?? { index, policy });
    }
    if (clash === undefined) {
      return [];
    }
    const expected = `the same trafficPolicy as services[${owners.get(clash)?.index ?? 0}], since both send to ${clash}`;
    return [{ path: `services[${index}].trafficPolicy`, value: service.trafficPolicy, expected }];
  });
}

/** Backends that speak TLS, and that one service sends gRPC to and another one HTTP: HTTP/2 is chosen per host. */
export function backendProtocolProblems({ defaults, services }: CheckedStack): Problem[] {
  const owners = new Map<string, { index: number; isGrpc: boolean }>();
  return services.flatMap(({ index, service }) => {
    if (!isBackendsOwn(resolveTrafficPolicy(service, defaults).tls)) {
      return [];
    }
    const isGrpc = service.protocol === "grpc";
    const backends = backendNames(service);
    const clash = backends.find((backend) => (owners.get(backend)?.isGrpc ?? isGrpc) !== isGrpc);
    for (const backend of backends) {
      owners.set(backend, owners.get(backend) ?? { index, isGrpc });
    }
    if (clash === undefined) {
      return [];
    }
    const expected = `that of services[${owners.get(clash)?.index ?? 0}], since both send to ${clash} over TLS: a Service of its own for gRPC`;
    return [{ path: `services[${index}].protocol`, value: service.protocol, expected }];
  });
}

/** A retry limit and a retry budget, one of which comes from the defaults. */
export function retryBudgetProblems({ defaults, services }: CheckedStack): Problem[] {
  return services.flatMap(({ index, service }) => {
    const { connections, retryBudget } = resolveTrafficPolicy(service, defaults);
    if (connections?.maxRetries === undefined || retryBudget === undefined) {
      return [];
    }
    const at = `services[${index}].trafficPolicy`;
    const isBudgetOwn = typeof service.trafficPolicy?.retryBudget === "object";
    // Within one map, the schema has reported it already.
    if (isBudgetOwn === (typeof service.trafficPolicy?.connections === "object")) {
      return [];
    }
    const expected = "false, or no connections.maxRetries: Envoy ignores maxRetries if there is a budget";
    return [{ path: `${at}.retryBudget`, value: service.trafficPolicy?.retryBudget, expected }];
  });
}
