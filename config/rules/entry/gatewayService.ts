import { tellsClients } from "../../schema/entry/clientAddress";
import type { GatewayConfig } from "../../schema/entry/gateway";
import { dependsOnAddress } from "../../resolve/entrance";
import { coversAll } from "../../values/cidr";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

const AT = "gateway.infrastructure.service";

/** Rules between the keys of the Gateway's Service and its addresses. */
export function gatewayServiceProblems({ gateway }: CheckedStack): Problem[] {
  return gateway === undefined || gateway.existing !== undefined
    ? []
    : [...serviceProblems(gateway), ...addressProblems(gateway)];
}

/** Keys that a Service of another type does not have: the API server would refuse it, and istiod only log that. */
function serviceProblems({ infrastructure: { service } }: GatewayConfig): Problem[] {
  const { type, nodePorts, ipFamilies, ipFamilyPolicy } = service;
  const isLocal = service.externalTrafficPolicy !== "Cluster";
  const needs: readonly (readonly [key: string, value: unknown, met: boolean, expected: string])[] = [
    ["externalTrafficPolicy", service.externalTrafficPolicy, type !== "ClusterIP", "LoadBalancer or NodePort"],
    ["nodePorts", Object.values(nodePorts).find(Boolean), type !== "ClusterIP", "LoadBalancer or NodePort"],
    ["loadBalancer", service.loadBalancer, type === "LoadBalancer", "LoadBalancer"],
    ["loadBalancerClass", service.loadBalancerClass, type === "LoadBalancer", "LoadBalancer"],
    ["loadBalancerSourceRanges", service.loadBalancerSourceRanges, type === "LoadBalancer", "LoadBalancer"],
    ["allocateLoadBalancerNodePorts", service.allocateLoadBalancerNodePorts, type === "LoadBalancer", "LoadBalancer"],
    ["healthCheckNodePort", service.healthCheckNodePort, type === "LoadBalancer", "LoadBalancer"],
  ];
  const problems = needs
    .filter(([, value, met]) => value !== undefined && !met)
    .map(([key, value, , wanted]): Problem => ({
      path: `${AT}.${key}`,
      value,
      expected: `not allowed with type ${type}: it is for ${wanted}`,
    }));
  if (service.healthCheckNodePort !== undefined && type === "LoadBalancer" && !isLocal) {
    const expected = "not allowed with externalTrafficPolicy Cluster: every node takes connections then";
    problems.push({ path: `${AT}.healthCheckNodePort`, value: service.healthCheckNodePort, expected });
  }
  if (nodePorts.http !== undefined && nodePorts.http === nodePorts.https) {
    problems.push({ path: `${AT}.nodePorts.https`, value: nodePorts.https, expected: "another port than http" });
  }
  if (ipFamilies !== undefined && new Set(ipFamilies).size < ipFamilies.length) {
    problems.push({ path: `${AT}.ipFamilies`, value: ipFamilies, expected: "each of IPv4 and IPv6 once" });
  } else if (ipFamilies?.length === 2 && ipFamilyPolicy === "SingleStack") {
    const expected = "one of IPv4 and IPv6, or another ipFamilyPolicy than SingleStack";
    problems.push({ path: `${AT}.ipFamilies`, value: ipFamilies, expected });
  }
  return [...problems, ...loadBalancerProblems(service)];
}

function loadBalancerProblems({ loadBalancer, ...service }: GatewayConfig["infrastructure"]["service"]): Problem[] {
  if (loadBalancer === undefined) {
    return [];
  }
  const at = `${AT}.loadBalancer`;
  const problem = (key: string, value: unknown, expected: string): Problem[] =>
    value === undefined ? [] : [{ path: `${at}.${key}`, value, expected }];
  const onlyInternal = "not allowed without internal: true";
  switch (loadBalancer.type) {
    case "metallb":
      return [];
    case "aws-nlb":
      return [
        ...(service.loadBalancerClass === undefined
          ? []
          : [
              {
                path: `${AT}.loadBalancerClass`,
                value: service.loadBalancerClass,
                expected: "not allowed with loadBalancer.type aws-nlb, which sets it",
              },
            ]),
        ...(loadBalancer.internal
          ? problem("eipAllocations", loadBalancer.eipAllocations, "not allowed with internal: true")
          : problem("privateAddresses", loadBalancer.privateAddresses, onlyInternal)),
      ];
    case "gke":
      return loadBalancer.internal
        ? []
        : [
            ...problem("subnet", loadBalancer.subnet, onlyInternal),
            ...problem("globalAccess", loadBalancer.globalAccess || undefined, onlyInternal),
          ];
    case "aks":
      return loadBalancer.internal
        ? problem("publicIpName", loadBalancer.publicIpName, "not allowed with internal: true")
        : problem("subnet", loadBalancer.subnet, onlyInternal);
  }
}

/** A fixed address that nothing would assign. */
function addressProblems({ address, infrastructure: { service } }: GatewayConfig): Problem[] {
  const { type, loadBalancer } = service;
  if (address === undefined) {
    return [];
  }
  const problem = (expected: string): Problem[] => [{ path: "gateway.address", value: address, expected }];
  if (type !== "LoadBalancer") {
    return problem(`not allowed with infrastructure.service.type ${type}: only a load balancer assigns addresses`);
  }
  return loadBalancer === undefined
    ? []
    : problem(`not allowed with infrastructure.service.loadBalancer, which has ${ADDRESS_KEYS[loadBalancer.type]}`);
}

const ADDRESS_KEYS = {
  metallb: "addresses",
  "aws-nlb": "eipAllocations and privateAddresses",
  gke: "addressNames",
  aks: "addresses and publicIpName",
} as const;

/** With Cluster, kube-proxy replaces a client's address by a node's: whoever nodes may be, the whole internet is. */
export function hiddenClientProblems({ gateway, services, defaults }: CheckedStack): Problem[] {
  const { service } = gateway?.infrastructure ?? {};
  if (gateway === undefined || service?.externalTrafficPolicy !== "Cluster") {
    return [];
  }
  const problem = (reader: string): Problem[] => [
    {
      path: `${AT}.externalTrafficPolicy`,
      value: "Cluster",
      expected: `the value Local: with Cluster, proxies see addresses of nodes instead of the clients' that ${reader} depends on`,
    },
  ];
  if (gateway.clientAddress?.proxyAddresses !== undefined) {
    return problem("gateway.clientAddress.proxyAddresses");
  }
  // Proxies in front of the gateway say the client's address in a header.
  if (tellsClients(gateway.clientAddress)) {
    return [];
  }
  const reader = services.find(({ service: { access = defaults.access, rateLimit } }) =>
    dependsOnAddress({ access, rateLimit }),
  );
  return reader === undefined ? [] : problem(`services[${reader.index}]`);
}

/** Source ranges are checked before any access list: whom they shut out no list can let in. */
export function sourceRangeProblems({ gateway, services, defaults }: CheckedStack): Problem[] {
  const ranges = gateway?.infrastructure.service.loadBalancerSourceRanges;
  if (gateway === undefined || ranges === undefined) {
    return [];
  }
  const { clientAddress } = gateway;
  const lists = tellsClients(clientAddress)
    ? [["gateway.clientAddress.proxyAddresses", clientAddress?.proxyAddresses ?? []] as const]
    : services.map(
        ({ index, service }) =>
          [`services[${index}].access.allow`, (service.access ?? defaults.access)?.allow ?? []] as const,
      );
  const path = `${AT}.loadBalancerSourceRanges`;
  return lists
    .flatMap(([at, list]) => {
      const out = list.find((block) => !coversAll(ranges, block));
      return out === undefined
        ? []
        : [{ path, value: ranges, expected: `ranges that include ${out}, which ${at} lets in` }];
    })
    .slice(0, 1);
}
