import type { Lab } from "./lab";

/** A Pod with an echo server and an injected sidecar, and the Services in front of it. */
export interface SidecarArgs {
  readonly service: string;
  readonly namespace: string;
  /** Port of the Service and of the Pod. */
  readonly port: number;
  /** A second port of the Pod, which bypasses the sidecar. */
  readonly barePort: number;
  /** Services for the second port. */
  readonly bareServices: readonly string[];
}

/** Starts a backend with the sidecar that istiod injects. Returns the Pod's address. */
export async function startWithSidecar(lab: Lab, args: SidecarArgs): Promise<string> {
  const { service, namespace, bareServices } = args;
  // If a prepared stack refers to these Services, they point to backends without a sidecar.
  const slices = [service, ...bareServices].map((name) => `${name}-lab`);
  await lab.kubectl(["delete", "endpointslices", "-n", namespace, "--ignore-not-found", ...slices]);
  const items = manifests(args);
  await lab.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const pod = ["-n", namespace, `pod/${service}`];
  await lab.kubectl(["wait", "--for=condition=Ready", "--timeout=120s", ...pod]);
  return lab.kubectl(["get", ...pod, "-o", "jsonpath={.status.podIP}"]);
}

function manifests(args: SidecarArgs): Record<string, unknown>[] {
  const { service, namespace, port, barePort, bareServices } = args;
  const labels = { app: service };
  const echo = [{ service, namespace, address: "0.0.0.0", ports: [port, barePort], protocol: "http" }];
  const serviceOf = (name: string, number: number) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: labels, ports: [{ name: `http-${number}`, port: number, protocol: "TCP", targetPort: number }] },
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: service, namespace } },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: service, namespace },
      data: { "backends.json": JSON.stringify(echo) },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: service,
        namespace,
        labels: { ...labels, "sidecar.istio.io/inject": "true" },
        annotations: {
          "traffic.sidecar.istio.io/excludeInboundPorts": String(barePort),
          // It makes no outgoing calls, and the lab has one user only: the sidecar's own would be redirected to itself.
          "traffic.sidecar.istio.io/includeOutboundIPRanges": "",
        },
      },
      spec: {
        serviceAccountName: service,
        containers: [
          {
            name: "echo",
            image: "echo",
            args: [
              ...["-r", "/repository/node_modules/ts-node/register/transpile-only"],
              ...["/repository/lab/backends/echo.ts", "/config/backends.json", "/tmp/ready"],
            ],
            env: [{ name: "TS_NODE_PROJECT", value: "/repository/tsconfig.json" }],
            volumeMounts: [{ name: "config", mountPath: "/config" }],
            readinessProbe: { httpGet: { path: "/", port }, periodSeconds: 1 },
          },
        ],
        volumes: [{ name: "config", configMap: { name: service } }],
      },
    },
    serviceOf(service, port),
    ...bareServices.map((name) => serviceOf(name, barePort)),
  ];
}
