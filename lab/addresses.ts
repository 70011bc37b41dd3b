/**
 * Addresses inside the lab's network namespaces. Nothing outside can reach them or conflict with them. The lab's own
 * namespace is the network that the nodes are attached to: control plane, clients and backends are hosts on it.
 */
export const API_SERVER = "10.1.0.1";

/** Receives spans over OTLP/gRPC. */
export const COLLECTOR = "10.1.0.3";
export const COLLECTOR_PORT = 4317;

/** Clients: one on a company network, one on the internet. */
export const CLIENT_INSIDE = "192.168.1.10";
export const CLIENT_OUTSIDE = "203.0.113.10";

/** The nodes' network: the lab is its router, and node N has the address `nodeAddress(N)`. */
export const ROUTER = "192.168.50.1";

export function nodeAddress(node: number): string {
  return `192.168.50.${10 + node}`;
}

/** Addresses of all Pods, and of those on a node. */
export const POD_RANGE = "10.230.0.0/16";

export function podRange(node: number): string {
  return `10.230.${node}.0/24`;
}

/** Address of the Pod with this number on a node. */
export function podAddress(node: number, pod: number): string {
  return `10.230.${node}.${1 + (pod % 253)}`;
}

/** Addresses of Services, of the API server's, and of the cluster's DNS. */
export const SERVICE_RANGE = "10.96.0.0/16";
export const API_SERVICE = "10.96.0.1";
export const CLUSTER_DNS = "10.96.0.10";

/** First address that the load balancer gives to a Service that asks for none. */
export const DEFAULT_GATEWAY = "192.168.51.200";

/** Address of a replica of the backend with this number. */
export function backendAddress(number: number, replica = 0): string {
  return `10.${244 + replica}.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}
