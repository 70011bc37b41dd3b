import type { types } from "@pulumi/kubernetes";
import type { Secret } from "@pulumi/kubernetes/core/v1";
import type * as pulumi from "@pulumi/pulumi";
import type { Quantity } from "../../config/values/quantity";
import { type GatewayRef, partOf } from "../shared/naming";

type Probe = types.input.core.v1.Probe;

/** A hardened Pod with one container, behind a Service. */
export interface Workload {
  /** Name of the Deployment and of the Service. */
  readonly name: string;
  readonly gateway: GatewayRef;
  /** Name of the container, and of the application. */
  readonly app: string;
  readonly image: string;
  readonly command: string[];
  readonly env?: types.input.core.v1.EnvVar[];
  /** Ports by name, including those of the Service. */
  readonly ports: Readonly<Record<string, number>>;
  readonly servicePorts: readonly string[];
  readonly mountPath: string;
  readonly volume: Omit<types.input.core.v1.Volume, "name">;
  readonly resources: { readonly cpu: string; readonly memory: Quantity };
  readonly readiness: Probe;
  readonly liveness: Probe;
  /** Numeric: Kubernetes cannot tell from a name that a user is not root. */
  readonly user: number;
  readonly replicas: number;
  readonly strategy: types.input.apps.v1.DeploymentStrategy;
  /** Pods are replaced when these change. */
  readonly podAnnotations?: Record<string, pulumi.Input<string>>;
}

/** Labels that select the Pods. */
export function podLabels({ name, app }: Pick<Workload, "name" | "app">): Record<string, string> {
  return { "app.kubernetes.io/name": app, "app.kubernetes.io/instance": name };
}

export function deploymentSpec(workload: Workload): types.input.apps.v1.DeploymentSpec {
  const { app, user, ports, resources } = workload;
  const memory = String(resources.memory);
  return {
    replicas: workload.replicas,
    strategy: workload.strategy,
    selector: { matchLabels: podLabels(workload) },
    template: {
      metadata: {
        labels: { ...partOf(workload.gateway), ...podLabels(workload) },
        annotations: workload.podAnnotations,
      },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: user,
          runAsGroup: user,
          fsGroup: user,
          seccompProfile: { type: "RuntimeDefault" },
        },
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: podLabels(workload) },
          },
        ],
        containers: [
          {
            name: app,
            image: workload.image,
            command: workload.command,
            env: workload.env,
            ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort })),
            volumeMounts: [{ name: "config", mountPath: workload.mountPath, readOnly: true }],
            readinessProbe: workload.readiness,
            livenessProbe: workload.liveness,
            resources: { requests: { cpu: resources.cpu, memory }, limits: { memory } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
          },
        ],
        volumes: [{ name: "config", ...workload.volume }],
      },
    },
  };
}

export function serviceSpec(workload: Workload): types.input.core.v1.ServiceSpec {
  return {
    selector: podLabels(workload),
    // The name tells Istio the protocol: `grpc` is HTTP/2, which Envoy needs to call the service.
    ports: workload.servicePorts.map((name) => ({ name, port: workload.ports[name] ?? 0, targetPort: name })),
  };
}

/** Pods read a Secret when they start: this replaces them when it changes, without revealing its content. */
export function secretVersion({ metadata }: Secret): Record<string, pulumi.Input<string>> {
  // Rendered YAML has no version.
  return {
    "unified-gateway/secret-version": metadata.apply(
      ({ resourceVersion }: { resourceVersion?: string }) => resourceVersion ?? "",
    ),
  };
}
