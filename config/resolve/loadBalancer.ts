import type { LoadBalancer } from "../schema/entry/loadBalancer";

/** What a load balancer asks of the Service. */
export interface LoadBalancerSettings {
  readonly annotations: Readonly<Record<string, string>>;
  readonly loadBalancerClass?: string;
}

type Annotations = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/**
 * The annotations of a load balancer's documentation; config/schema/entry/loadBalancer.ts has the links.
 * @param proxyProtocol Whether the proxies expect a PROXY protocol header on each connection.
 */
export function loadBalancerSettings(loadBalancer: LoadBalancer, proxyProtocol: boolean): LoadBalancerSettings {
  switch (loadBalancer.type) {
    case "metallb":
      return {
        // `spec.loadBalancerIP` is deprecated, and holds one address.
        annotations: prefixed("metallb.io/", {
          loadBalancerIPs: loadBalancer.addresses,
          "address-pool": loadBalancer.addressPool,
        }),
      };
    case "aws-nlb":
      return {
        // Not the annotation aws-load-balancer-type: with the class, the controller of the cloud provider never acts.
        loadBalancerClass: "service.k8s.aws/nlb",
        annotations: prefixed("service.beta.kubernetes.io/aws-load-balancer-", {
          scheme: loadBalancer.internal ? "internal" : "internet-facing",
          "nlb-target-type": loadBalancer.targetType,
          subnets: loadBalancer.subnets,
          "eip-allocations": loadBalancer.eipAllocations,
          "private-ipv4-addresses": loadBalancer.privateAddresses,
          "proxy-protocol": proxyProtocol ? "*" : undefined,
          // Off by default for targets by address: proxies would see the load balancer's.
          "target-group-attributes": `preserve_client_ip.enabled=${String(!proxyProtocol)}`,
        }),
      };
    case "gke":
      return {
        annotations: {
          ...prefixed("networking.gke.io/", {
            "load-balancer-type": loadBalancer.internal ? "Internal" : undefined,
            "internal-load-balancer-subnet": loadBalancer.subnet,
            "internal-load-balancer-allow-global-access": loadBalancer.globalAccess || undefined,
            "load-balancer-ip-addresses": loadBalancer.addressNames,
          }),
          // Health checks by node, which externalTrafficPolicy Local needs.
          ...prefixed("cloud.google.com/", { "l4-rbs": loadBalancer.internal ? undefined : "enabled" }),
        },
      };
    case "aks":
      return {
        annotations: prefixed("service.beta.kubernetes.io/azure-", {
          "load-balancer-internal": loadBalancer.internal || undefined,
          "load-balancer-internal-subnet": loadBalancer.subnet,
          "load-balancer-ipv4": loadBalancer.addresses?.filter((address) => !address.includes(":")),
          "load-balancer-ipv6": loadBalancer.addresses?.filter((address) => address.includes(":")),
          "pip-name": loadBalancer.publicIpName,
          "load-balancer-resource-group": loadBalancer.resourceGroup,
        }),
      };
  }
}

/** Annotations with a prefix; those without a value are left out. */
function prefixed(prefix: string, annotations: Annotations): Record<string, string> {
  const given = Object.entries(annotations).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(
    given.map(([key, value]) => [`${prefix}${key}`, Array.isArray(value) ? value.join(",") : String(value)]),
  );
}
