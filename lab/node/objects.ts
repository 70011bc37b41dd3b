/** The parts of the objects that the lab's nodes support. What else a Pod asks for is reported in its status, not ignored. */

export interface Metadata {
  name: string;
  namespace: string;
  uid: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
}

interface Key {
  name?: string;
  key: string;
  optional?: boolean;
}

/** A field of the Pod, or a limit of its container. https://kubernetes.io/docs/concepts/workloads/pods/downward-api/ */
export interface Downward {
  fieldRef?: { fieldPath: string };
  resourceFieldRef?: { resource: string; divisor?: string; containerName?: string };
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: Downward & { secretKeyRef?: Key; configMapKeyRef?: Key };
}

export interface HttpGet {
  path?: string;
  port: number | string;
  scheme?: string;
}

export interface Handler {
  httpGet?: HttpGet;
  tcpSocket?: { port: number | string };
  exec?: { command?: string[] };
  sleep?: { seconds: number };
}

export interface Probe extends Handler {
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
  successThreshold?: number;
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: object[];
  ports?: { name?: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { postStart?: Handler; preStop?: Handler };
  resources?: { limits?: Record<string, string> };
  restartPolicy?: string;
  securityContext?: { readOnlyRootFilesystem?: boolean };
}

/** A key of a ConfigMap or Secret, and its file name. */
export interface Item {
  key: string;
  path: string;
}

export interface Source {
  configMap?: { name?: string; items?: Item[]; optional?: boolean };
  secret?: { name?: string; secretName?: string; items?: Item[]; optional?: boolean };
  downwardAPI?: { items?: (Downward & { path: string })[] };
  serviceAccountToken?: { path: string; audience?: string; expirationSeconds?: number };
}

export interface Volume extends Source {
  name: string;
  emptyDir?: { medium?: string };
  projected?: { sources?: Source[] };
}

export interface Pod {
  metadata: Metadata;
  spec: {
    nodeName?: string;
    serviceAccountName?: string;
    terminationGracePeriodSeconds?: number;
    initContainers?: Container[];
    containers: Container[];
    volumes?: Volume[];
  };
}

export interface Service {
  metadata: Metadata;
  spec: {
    type?: string;
    clusterIP?: string;
    externalTrafficPolicy?: string;
    loadBalancerIP?: string;
    loadBalancerClass?: string;
    healthCheckNodePort?: number;
  };
  status?: { loadBalancer?: { ingress?: { ip?: string }[] } };
}
