import { z } from "zod";
import { ipAddress, objectName } from "../fields";

const ipAddresses = z
  .array(ipAddress, "a list of IP addresses")
  .min(1, "at least one IP address")
  .max(8, "at most 8 IP addresses");

const internal = z.boolean("true or false").default(false).describe("Reachable from the private network only.");

const name = (what: string) => z.string(what).regex(/^\S+$/, `${what}, without spaces`);

const names = (what: string) => z.array(name(what), `a list: ${what} each`).min(1, "at least one").max(8, "at most 8");

/** https://metallb.io/usage/ */
const metallb = z.strictObject({
  type: z.literal("metallb"),
  addresses: ipAddresses
    .optional()
    .describe("Addresses to request, at most one of each IP version. Default: any of the pool."),
  addressPool: objectName.optional().describe("IPAddressPool to take addresses from. Default: any that assigns them."),
});

/** https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/ */
const awsNlb = z.strictObject({
  type: z.literal("aws-nlb"),
  internal,
  targetType: z
    .enum(["instance", "ip"], "instance or ip")
    .default("instance")
    .describe("instance: connections go to node ports; ip: straight to the Pods, which needs the VPC CNI."),
  subnets: names("the ID or name of a subnet").optional().describe("Subnets. Default: those the controller discovers."),
  eipAllocations: names("the ID of an Elastic IP's allocation")
    .optional()
    .describe("Elastic IPs of an internet-facing load balancer, one for each subnet."),
  privateAddresses: ipAddresses
    .optional()
    .describe("Private IPv4 addresses of an internal load balancer, one for each subnet."),
});

/** https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters */
const gke = z.strictObject({
  type: z.literal("gke"),
  internal,
  subnet: objectName.optional().describe("Subnet of an internal load balancer. Default: the cluster's."),
  globalAccess: z
    .boolean("true or false")
    .default(false)
    .describe("Let clients of other regions reach an internal load balancer."),
  addressNames: z
    .array(objectName, "a list of names")
    .min(1, "at least one name")
    .max(2, "at most 2 names, one for each IP version")
    .optional()
    .describe("Names of reserved addresses. Default: addresses that change with the load balancer."),
});

/** https://learn.microsoft.com/azure/aks/load-balancer-standard#customizations-via-kubernetes-annotations */
const aks = z.strictObject({
  type: z.literal("aks"),
  internal,
  subnet: name("the name of a subnet").optional().describe("Subnet of an internal load balancer. Default: the nodes'."),
  addresses: ipAddresses
    .optional()
    .describe("Static addresses to use, at most one of each IP version. Default: dynamic ones."),
  publicIpName: name("the name of a public IP").optional().describe("Public IP to use, by its name."),
  resourceGroup: name("the name of a resource group")
    .optional()
    .describe("Resource group of static public IPs. Default: the nodes'."),
});

/** The annotations by which a load balancer is told what to do, in the words of its own documentation. */
export const loadBalancerSchema = z
  .discriminatedUnion("type", [metallb, awsNlb, gke, aks], { error: "one of metallb, aws-nlb, gke, aks" })
  .describe(
    "What assigns the addresses: writes the annotations of MetalLB, the AWS Load Balancer Controller (aws-nlb), GKE or AKS. Default: none of them.",
  );

export type LoadBalancer = z.output<typeof loadBalancerSchema>;
