/** The parts of Pods that the lab's node supports; it rejects everything else. */

export interface Reference {
  name: string;
  key: string;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: Reference; configMapKeyRef?: Reference; fieldRef?: { fieldPath: string } };
}

export interface Probe {
  httpGet?: { path?: string; port: number | string };
  tcpSocket?: { port: number | string };
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: { name?: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  readinessProbe?: Probe;
  securityContext?: { readOnlyRootFilesystem?: boolean };
}

/** A key of a ConfigMap or Secret, and its file name. */
export interface Item {
  key: string;
  path: string;
}

export interface Volume {
  name: string;
  configMap?: { name: string; items?: Item[] };
  secret?: { secretName: string; items?: Item[] };
  emptyDir?: object;
}

export interface Pod {
  metadata: { name: string; namespace: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName?: string; containers: Container[]; volumes?: Volume[] };
}

export interface EndpointSlice {
  metadata: { namespace: string; labels?: Record<string, string> };
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[] | null;
}
