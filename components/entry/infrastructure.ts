import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { type GatewayRef, ownMetadata, SUFFIXES } from "../shared/naming";

/**
 * How Istio makes the Gateway's Service. Clients keep their addresses: with Kubernetes' default `Cluster`, kube-proxy
 * replaces them by a node's, and every client would pass an access list that the nodes pass.
 * https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#automated-deployment
 */
const SERVICE = { spec: { externalTrafficPolicy: "Local" } };

/** The ConfigMap that the Gateway's `spec.infrastructure.parametersRef` names. */
export function infrastructureParameters(name: string, gateway: GatewayRef, opts: pulumi.ResourceOptions): ConfigMap {
  const metadata = ownMetadata(gateway, SUFFIXES.infrastructure);
  return new ConfigMap(name, { metadata, data: { service: stringify(SERVICE) } }, opts);
}
