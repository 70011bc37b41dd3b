import type { BackendState } from "./state";

/** Objects that nothing else in the lab would create. */
type Manifest = Record<string, unknown>;

export function namespace(name: string): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

const APP_PROTOCOLS = { http: "http", grpc: "kubernetes.io/h2c", tls: "https", "grpc-tls": "https" } as const;

/** A Service without a selector and its endpoints, or the pod that a stack's own Service selects. */
export function backend({
  namespace,
  service: name,
  ports,
  names = {},
  protocol,
  address,
  replicas = [],
  labels,
}: BackendState): Manifest[] {
  if (labels !== undefined) {
    const podPorts = Object.entries(names).map(([port, containerPort]) => ({ name: port, containerPort }));
    const spec = { nodeName: NODE, containers: [{ name, image: "lab", ports: podPorts }] };
    return [node(), { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, labels }, spec }];
  }
  // Istio derives the backend's protocol from the Service's port; without this it would be HTTP/1.1.
  const appProtocol = APP_PROTOCOLS[protocol];
  const own = new Map(Object.entries(names).map(([port, number]) => [number, port]));
  const named = ports.map((port) => ({ name: own.get(port) ?? `${protocol}-${port}`, port, appProtocol }));
  return service(name, namespace, [address, ...replicas], named);
}

/** A Service with named ports but no selector, and its endpoints. */
export function service(
  name: string,
  namespace: string,
  addresses: readonly string[],
  ports: readonly { name: string; port: number; appProtocol?: string }[],
): Manifest[] {
  const named = ports.map((port) => ({ ...port, protocol: "TCP" }));
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { ports: named.map((port) => ({ ...port, targetPort: port.port })) },
    },
    endpoints(name, namespace, addresses, named),
  ];
}

/** Status that a kubelet would set, for backends that are pods: the cluster's controller creates their endpoints. */
export function podStatus({ namespace, service, address, labels }: BackendState): Manifest[] {
  return labels === undefined
    ? []
    : [{ apiVersion: "v1", kind: "Pod", metadata: { name: service, namespace }, status: runningOn(address) }];
}

function runningOn(address: string): object {
  const conditions = [{ type: "Ready", status: "True" }];
  return { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions };
}

/** The Node of the pods: a pod without one gets no endpoint. */
const NODE = "lab";

function node(): Manifest {
  return { apiVersion: "v1", kind: "Node", metadata: { name: NODE }, spec: { unschedulable: true } };
}

function endpoints(
  service: string,
  namespace: string,
  addresses: readonly string[],
  ports: readonly Manifest[],
): Manifest {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service}-lab`,
      namespace,
      labels: { "kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": "lab" },
    },
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports,
  };
}

/** TLS Secret that a stack with `certificate.type: existing` expects to find. */
export function tlsSecret(name: string, namespace: string, certificate: string, key: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": certificate, "tls.key": key },
  };
}

export function list(items: readonly Manifest[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
