import { z } from "zod";
import { blocks, labelKey, labels, port } from "../fields";
import { loadBalancerSchema } from "./loadBalancer";

/** https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
export const gatewayServiceSchema = z.strictObject({
  type: z
    .enum(["LoadBalancer", "NodePort", "ClusterIP"], "one of LoadBalancer, NodePort, ClusterIP")
    .default("LoadBalancer")
    .describe("How clients reach the proxies. ClusterIP: only from inside the cluster, or through another proxy."),
  externalTrafficPolicy: z
    .enum(["Local", "Cluster"], "either Local or Cluster")
    .optional()
    .describe(
      "Local: only nodes with a ready proxy take connections, and proxies see the clients' addresses. Cluster: every node does, and proxies see nodes' addresses instead. Default: Local, except for ClusterIP.",
    ),
  loadBalancer: loadBalancerSchema.optional(),
  loadBalancerClass: labelKey
    .optional()
    .describe(
      "Implementation of the load balancer, such as example.com/internal. Kubernetes never changes it on an existing Service. Default: the cluster's.",
    ),
  loadBalancerSourceRanges: blocks
    .optional()
    .describe("Addresses that the load balancer, or kube-proxy for it, lets through. Default: all."),
  annotations: z
    .record(labelKey, z.string("a text"), "a map of annotations")
    .optional()
    .describe("Further annotations, such as those of a load balancer."),
  labels: labels.optional().describe("Further labels."),
  nodePorts: z
    .strictObject({
      http: port.optional().describe("Node port of port 80. Default: assigned."),
      https: port.optional().describe("Node port of port 443. Default: assigned."),
    })
    .prefault({})
    .describe("Ports of the nodes that lead to the proxies."),
  healthCheckNodePort: port
    .optional()
    .describe("Node port where load balancers ask whether a node has a ready proxy. Default: assigned."),
  allocateLoadBalancerNodePorts: z
    .boolean("true or false")
    .optional()
    .describe("false assigns no node ports, for load balancers that reach Pods directly. Default: true."),
  ipFamilyPolicy: z
    .enum(
      ["SingleStack", "PreferDualStack", "RequireDualStack"],
      "one of SingleStack, PreferDualStack, RequireDualStack",
    )
    .default("PreferDualStack")
    .describe("Whether the Service has addresses of both IP versions."),
  ipFamilies: z
    .array(z.enum(["IPv4", "IPv6"], "either IPv4 or IPv6"), "a list of IPv4 and IPv6")
    .min(1, "at least one of IPv4 and IPv6")
    .max(2, "each of IPv4 and IPv6 once")
    .optional()
    .describe("IP versions, the primary one first. Default: the cluster's."),
});

export type GatewayServiceConfig = z.output<typeof gatewayServiceSchema>;
