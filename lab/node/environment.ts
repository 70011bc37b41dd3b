import { API_SERVICE } from "../addresses";
import type { Container, Downward, EnvVar, Pod } from "./objects";
import type { Reader } from "./reader";

/** What a Pod gets from its node. */
export interface Placement {
  readonly podAddress: string;
  readonly nodeAddress: string;
}

/** What a container sees as its limit if it sets none: the node's size. */
const NODE_SIZE: Readonly<Record<string, number>> = { cpu: 2, memory: 8 * 2 ** 30 };

/** Value of a field or of a limit. @throws Error for those that the nodes do not support. */
export function downward(pod: Pod, { fieldRef, resourceFieldRef }: Downward, own?: Container, at?: Placement): string {
  if (resourceFieldRef !== undefined) {
    const { resource, divisor = "1", containerName } = resourceFieldRef;
    const container = pod.spec.containers.find(({ name }) => name === containerName) ?? own;
    const name = resource.replace(/^(limits|requests)\./, "");
    const limit = container?.resources?.limits?.[name];
    const amount = limit === undefined ? NODE_SIZE[name] : quantity(limit);
    if (amount !== undefined) {
      return String(Math.ceil(amount / (quantity(divisor) || 1)));
    }
  }
  const path = fieldRef?.fieldPath ?? "";
  const { metadata, spec } = pod;
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (map === "labels" || map === "annotations") {
    return metadata[map]?.[key ?? ""] ?? "";
  }
  const fields: Readonly<Record<string, string | undefined>> = {
    "metadata.name": metadata.name,
    "metadata.namespace": metadata.namespace,
    "metadata.uid": metadata.uid,
    "metadata.labels": lines(metadata.labels),
    "metadata.annotations": lines(metadata.annotations),
    "spec.nodeName": spec.nodeName,
    "spec.serviceAccountName": spec.serviceAccountName ?? "default",
    "status.podIP": at?.podAddress,
    "status.podIPs": at?.podAddress,
    "status.hostIP": at?.nodeAddress,
    "status.hostIPs": at?.nodeAddress,
  };
  const value = fields[path];
  if (value === undefined) {
    throw new Error(`the lab's nodes do not support ${JSON.stringify({ fieldRef, resourceFieldRef })}`);
  }
  return value;
}

/** The downward API's format for labels and annotations. */
function lines(map: Record<string, string> = {}): string {
  return Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
    .join("");
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
function quantity(text: string): number {
  const [, number = "", unit = ""] = /^([\d.]+)(\D*)$/.exec(text) ?? [];
  return Number(number) * (UNITS[unit] ?? NaN);
}

/** A container's environment. @throws Error if it refers to something that does not exist. */
export async function environment(
  pod: Pod,
  container: Container,
  at: Placement,
  read: Reader,
): Promise<Record<string, string>> {
  if (container.envFrom !== undefined) {
    throw new Error("the lab's nodes do not support envFrom");
  }
  const result: Record<string, string> = { KUBERNETES_SERVICE_HOST: API_SERVICE, KUBERNETES_SERVICE_PORT: "443" };
  for (const variable of container.env ?? []) {
    const value = await valueOf(pod, container, variable, at, read);
    if (value !== undefined) {
      result[variable.name] = expanded(value, result);
    }
  }
  return result;
}

async function valueOf(
  pod: Pod,
  container: Container,
  { name, value, valueFrom }: EnvVar,
  at: Placement,
  read: Reader,
): Promise<string | undefined> {
  if (valueFrom === undefined) {
    return value ?? "";
  }
  const reference = valueFrom.secretKeyRef ?? valueFrom.configMapKeyRef;
  if (reference === undefined) {
    return downward(pod, valueFrom, container, at);
  }
  const kind = valueFrom.secretKeyRef === undefined ? "configmaps" : "secrets";
  const data = await read.data(kind, pod.metadata.namespace, reference.name ?? "");
  const found = data?.[reference.key]?.toString("utf8");
  if (found === undefined && reference.optional !== true) {
    throw new Error(`${name} has no value: ${JSON.stringify(valueFrom)}`);
  }
  return found;
}

/** Replaces `$(NAME)` by a variable's value; `$$(NAME)` stays `$(NAME)`. Unknown names stay as they are. */
export function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$?)\(([^)]+)\)/g, (whole, escaped: string, name: string) =>
    escaped === "" ? (env[name] ?? whole) : whole.slice(1),
  );
}
