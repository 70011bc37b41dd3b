import { isIP } from "node:net";
import { loadBalancerSettings } from "../../resolve/loadBalancer";
import { tellsClients } from "../../schema/entry/clientAddress";
import type { GatewayConfig } from "../../schema/entry/gateway";
import { answersOf } from "../../resolve/answers";
import { dependsOnAddress, givenAccesses } from "../../resolve/entrance";
import { resolveRateLimits } from "../../resolve/rateLimits";
import type { LoadBalancer } from "../../schema/entry/loadBalancer";
import { coversAll, splitBlock } from "../../values/cidr";
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
  if (service.healthCheckNodePort !== undefined && Object.values(nodePorts).includes(service.healthCheckNodePort)) {
    const expected = "another port than those of nodePorts";
    problems.push({ path: `${AT}.healthCheckNodePort`, value: service.healthCheckNodePort, expected });
  }
  if (ipFamilies !== undefined && new Set(ipFamilies).size < ipFamilies.length) {
    problems.push({ path: `${AT}.ipFamilies`, value: ipFamilies, expected: "each of IPv4 and IPv6 once" });
  } else if (ipFamilies?.length === 2 && ipFamilyPolicy === "SingleStack") {
    const expected = "one of IPv4 and IPv6, or another ipFamilyPolicy than SingleStack";
    problems.push({ path: `${AT}.ipFamilies`, value: ipFamilies, expected });
  }
  return [...problems, ...loadBalancerProblems(service)];
}

function loadBalancerProblems(service: GatewayConfig["infrastructure"]["service"]): Problem[] {
  const { loadBalancer, annotations = {} } = service;
  if (loadBalancer === undefined) {
    return [];
  }
  const { annotations: own } = loadBalancerSettings(loadBalancer, false);
  const written = Object.keys(annotations).filter((key) => key in own);
  return [
    ...written.map((key) => ({
      path: `${AT}.annotations.${key}`,
      value: annotations[key],
      expected: `not allowed with loadBalancer.type ${loadBalancer.type}, which sets it`,
    })),
    ...ofType(loadBalancer, service),
  ];
}

const ONLY_INTERNAL = "not allowed without internal: true";
const ONLY_EXTERNAL = "not allowed with internal: true";

/** Keys that do not go together, by type. */
function ofType(loadBalancer: LoadBalancer, service: GatewayConfig["infrastructure"]["service"]): Problem[] {
  const problem = (key: string, value: unknown, expected: string): Problem[] =>
    value === undefined ? [] : [{ path: `${AT}.loadBalancer.${key}`, value, expected }];
  const { internal } = { internal: false, ...loadBalancer };
  switch (loadBalancer.type) {
    case "metallb":
      return familyProblems(loadBalancer.addresses);
    case "aws-nlb": {
      const { subnets, eipAllocations, privateAddresses, targetType } = loadBalancer;
      const unpaired = (key: string, list: readonly string[] | undefined) =>
        list !== undefined && subnets !== undefined && list.length !== subnets.length
          ? problem(key, list, `${subnets.length}, one for each of subnets`)
          : [];
      const needsPorts = targetType === "instance" && service.allocateLoadBalancerNodePorts === false;
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
        ...(needsPorts
          ? [
              {
                path: `${AT}.allocateLoadBalancerNodePorts`,
                value: false,
                expected: "true, or loadBalancer.targetType ip: connections to instances go to node ports",
              },
            ]
          : []),
        ...(internal
          ? problem("eipAllocations", eipAllocations, ONLY_EXTERNAL)
          : problem("privateAddresses", privateAddresses, ONLY_INTERNAL)),
        ...unpaired("eipAllocations", eipAllocations),
        ...unpaired("privateAddresses", privateAddresses),
        ...(privateAddresses?.some((address) => isIP(address) === 6) === true
          ? problem("privateAddresses", privateAddresses, "IPv4 addresses")
          : []),
      ];
    }
    case "gke":
      return internal
        ? []
        : [
            ...problem("subnet", loadBalancer.subnet, ONLY_INTERNAL),
            ...problem("globalAccess", loadBalancer.globalAccess || undefined, ONLY_INTERNAL),
          ];
    case "aks":
      return [
        ...familyProblems(loadBalancer.addresses),
        ...(internal
          ? problem("publicIpName", loadBalancer.publicIpName, ONLY_EXTERNAL)
          : problem("subnet", loadBalancer.subnet, ONLY_INTERNAL)),
      ];
  }
}

/** A Service has one address of each IP version. */
function familyProblems(addresses: readonly string[] = []): Problem[] {
  const families = addresses.map(isIP);
  return new Set(families).size === families.length
    ? []
    : [{ path: `${AT}.loadBalancer.addresses`, value: addresses, expected: "at most one IPv4 and one IPv6 address" }];
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

/** With Cluster, proxies see addresses of nodes: a list that includes nodes then admits everyone. */
export function hiddenClientProblems({
  gateway,
  services,
  streams,
  defaults,
  rateLimitService,
}: CheckedStack): Problem[] {
  const { service } = gateway?.infrastructure ?? {};
  if (gateway === undefined || service?.externalTrafficPolicy !== "Cluster") {
    return [];
  }
  const problem = (reader: string): Problem[] => [
    {
      path: `${AT}.externalTrafficPolicy`,
      value: "Cluster",
      expected: `the value Local: with Cluster, proxies see node addresses, but ${reader} needs client addresses`,
    },
  ];
  if (narrow(gateway.clientAddress?.proxyAddresses).length > 0) {
    return problem("gateway.clientAddress.proxyAddresses");
  }
  // Proxies in front of the gateway say the client's address in a header.
  if (tellsClients(gateway.clientAddress)) {
    return [];
  }
  const reader = [...services, ...streams].find((indexed) => {
    const { service } = indexed;
    const rules = service.paths.map((path) => ({
      ...answersOf(service, path),
      rateLimit: resolveRateLimits(path.rateLimit ?? service.rateLimit, rateLimitService),
    }));
    return givenAccesses(indexed, defaults).some(({ access }) => dependsOnAddress({ access, rules }));
  });
  return reader === undefined ? [] : problem(`services[${reader.index}]`);
}

/** The blocks that do not cover every address of their IP version. */
function narrow(blocks: readonly string[] = []): string[] {
  return blocks.filter((block) => splitBlock(block).prefix > 0);
}

/** Source ranges are checked before any access list: what they shut out, no list can let in. */
export function sourceRangeProblems({ gateway, services, streams, defaults }: CheckedStack): Problem[] {
  const { loadBalancerSourceRanges: ranges, loadBalancer } = gateway?.infrastructure.service ?? {};
  if (gateway === undefined || ranges === undefined) {
    return [];
  }
  const { clientAddress } = gateway;
  // The AWS Load Balancer Controller checks them at the load balancer, where clients connect.
  const isInFront = loadBalancer?.type === "aws-nlb" && clientAddress?.proxyProtocol === true;
  const lists =
    tellsClients(clientAddress) && !isInFront
      ? [["gateway.clientAddress.proxyAddresses", narrow(clientAddress?.proxyAddresses)] as const]
      : [...services, ...streams]
          .flatMap((indexed) => givenAccesses(indexed, defaults))
          .map(({ at, access }) => [`${at}.allow`, access?.allow ?? []] as const);
  const [problem] = lists.flatMap(([at, list]): Problem[] => {
    const out = list.find((block) => !coversAll(ranges, block));
    const expected = `ranges that include ${out ?? ""}, which ${at} lets in`;
    return out === undefined ? [] : [{ path: `${AT}.loadBalancerSourceRanges`, value: ranges, expected }];
  });
  return problem === undefined ? [] : [problem];
}
