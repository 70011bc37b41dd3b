import type { Client, Kind, KubernetesObject } from "./client";
import { Follower } from "./follower";

const POLL_MS = 100;
/** How long a Service's endpoints must stay as they are. */
const SETTLED_MS = 10_000;
const REVISION = "deployment.kubernetes.io/revision";

const APPS = "apps/v1";

/** The objects of a kind in the object's namespace. */
type Look = (kind: string) => readonly KubernetesObject[];

/** How the provider waits for one object. */
interface Wait {
  /** Kinds to follow, the object's own first. */
  readonly kinds: readonly Kind[];
  /** What the object still lacks, in the official provider's words. Undefined if it is ready. */
  readonly lack: (live: KubernetesObject, look: Look) => readonly string[] | undefined;
  /** Whether a refresh looks too. */
  readonly onRead: boolean;
  /** What is enough when the time is up. */
  readonly atEnd?: (live: KubernetesObject, look: Look) => boolean;
  /** The words of a wait that failed. */
  readonly timedOut: (name: string) => string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

type Status = { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number } & Readonly<
  Record<string, unknown>
>;

const statusOf = ({ status = {} }: KubernetesObject) => status as Status;
const isTimedOut = (name: string) => `'${name}' timed out waiting to be Ready`;

/** The conditions in `pulumi.com/waitFor`: `condition=TYPE[=STATUS]`, or a JSON array of these. */
function conditions(annotation: string): { type: string; status: string }[] {
  const texts = annotation.startsWith("[") ? (JSON.parse(annotation) as string[]) : [annotation];
  return texts.map((text) => {
    const [, type, status = "True"] = /^condition=([^=]+)(?:=(.+))?$/.exec(text) ?? [];
    if (type === undefined) {
      throw new Error(`the lab's stand-in for kubernetes only waits for condition=TYPE, not for ${text}`);
    }
    return { type, status };
  });
}

function conditionsWait(annotation: string, kind: Kind): Wait {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const isMet = (object: KubernetesObject, target: { type: string; status: string }) => {
    const status = statusOf(object);
    const found = status.conditions?.find(({ type }) => same(type, target.type));
    const observed = found?.observedGeneration ?? status.observedGeneration;
    const isStale = observed !== undefined && observed < (object.metadata.generation ?? 0);
    return found !== undefined && !isStale && same(found.status, target.status);
  };
  const targets = conditions(annotation);
  return {
    kinds: [kind],
    lack: (live) => (targets.every((target) => isMet(live, target)) ? undefined : []),
    onRead: false,
    timedOut: () => "timed out waiting for the condition",
  };
}

/** The ReplicaSet of the Deployment's current revision has its Pods. @param last The Deployment before the update. */
function deploymentWait(last: KubernetesObject | undefined): Wait {
  return {
    kinds: [
      { apiVersion: APPS, kind: "Deployment" },
      { apiVersion: APPS, kind: "ReplicaSet" },
      { apiVersion: "v1", kind: "Pod" },
      { apiVersion: "v1", kind: "PersistentVolumeClaim" },
    ],
    lack: (live, look) => {
      const { conditions: met = [], observedGeneration } = statusOf(live);
      const failed = met
        .filter(({ type, status }) => ["Progressing", "Available"].includes(type) && status !== "True")
        .map(({ reason, message }) => `[${reason}] ${message}`);
      const is = (type: string, reason?: string) =>
        met.some((it) => it.type === type && it.status === "True" && (reason === undefined || it.reason === reason));
      const revision = live.metadata.annotations?.[REVISION];
      if (observedGeneration !== live.metadata.generation || !is("Available")) {
        return [...failed, "Minimum number of live Pods was not attained"];
      }
      if (revision !== "1" && !is("Progressing", "NewReplicaSetAvailable")) {
        return [...failed, "Minimum number of Pods to consider the application live was not attained"];
      }
      const current = look("ReplicaSet").find(
        ({ metadata }) =>
          metadata.annotations?.[REVISION] === revision &&
          (metadata.ownerReferences as { uid: string }[] | undefined)?.some(({ uid }) => uid === live.metadata.uid),
      );
      const { replicas = 1 } = (current?.spec ?? {}) as { replicas?: number };
      const { readyReplicas = 0 } = (current?.status ?? {}) as { readyReplicas?: number };
      return current !== undefined && readyReplicas >= replicas
        ? undefined
        : [
            ...failed,
            revision === "1" || last === undefined
              ? "Minimum number of Pods to consider the application live was not attained"
              : "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
          ];
    },
    onRead: true,
    timedOut: isTimedOut,
  };
}

/** A Service with a selector has Endpoints without Pods that are not ready, which do not change any more. */
function serviceWait(settledMs: number): Wait {
  let seen: unknown;
  let seenAt = 0;
  const endpointsOf = ({ metadata: { name } }: KubernetesObject, look: Look) =>
    look("Endpoints").find(({ metadata }) => metadata.name === name);
  const has = (endpoints: KubernetesObject | undefined, key: "addresses" | "notReadyAddresses") =>
    ((endpoints?.subsets ?? []) as Record<string, unknown[] | undefined>[]).some((it) => (it[key]?.length ?? 0) > 0);
  const hasAddress = ({ spec, status }: KubernetesObject) =>
    (spec as { type?: string }).type !== "LoadBalancer" ||
    ((status as { loadBalancer?: { ingress?: unknown[] } }).loadBalancer?.ingress?.length ?? 0) > 0;
  return {
    kinds: [
      { apiVersion: "v1", kind: "Service" },
      { apiVersion: "v1", kind: "Endpoints" },
    ],
    lack: (live, look) => {
      const { type, clusterIP, selector } = live.spec as { type?: string; clusterIP?: string; selector?: object };
      const isWithoutPods = type === "ExternalName" || clusterIP === "None" || Object.keys(selector ?? {}).length === 0;
      const endpoints = endpointsOf(live, look);
      const version = endpoints?.metadata.resourceVersion;
      if (version !== seen) {
        [seen, seenAt] = [version, Date.now()];
      }
      const isSettled = settledMs === 0 || (endpoints !== undefined && Date.now() - seenAt >= settledMs);
      if (hasAddress(live) && (isWithoutPods || (isSettled && !has(endpoints, "notReadyAddresses")))) {
        return undefined;
      }
      return [
        ...(isWithoutPods || has(endpoints, "addresses")
          ? []
          : [
              "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods",
            ]),
        ...(hasAddress(live)
          ? []
          : ["Service was not allocated an IP address; does your cloud provider support this?"]),
      ];
    },
    onRead: true,
    atEnd: (live, look) => hasAddress(live) && !has(endpointsOf(live, look), "notReadyAddresses"),
    timedOut: isTimedOut,
  };
}

function waitOf(
  object: KubernetesObject,
  last: KubernetesObject | undefined,
  settledMs = SETTLED_MS,
): Wait | undefined {
  const { apiVersion, kind, metadata } = object;
  const annotation = metadata.annotations?.["pulumi.com/waitFor"];
  if (metadata.annotations?.["pulumi.com/skipAwait"] === "true") {
    return undefined;
  }
  if (annotation !== undefined) {
    return conditionsWait(annotation, { apiVersion, kind });
  }
  switch (`${apiVersion}/${kind}`) {
    case "apps/v1/Deployment":
      return deploymentWait(last);
    case "v1/Service":
      return serviceWait(settledMs);
    default:
      return undefined;
  }
}

/** An object that was written, and why it is not ready. */
export interface Awaited {
  readonly object: KubernetesObject;
  readonly problem?: { readonly message: string; readonly reasons: readonly string[] };
}

/**
 * Waits until an object is ready: for the conditions in its annotation, for a Deployment's Pods, or for a Service's endpoints.
 * @param last The object before an update.
 */
export async function waitUntilReady(
  client: Client,
  object: KubernetesObject,
  last: KubernetesObject | undefined,
  timeoutMs: number,
): Promise<Awaited> {
  const wait = waitOf(object, last);
  if (wait === undefined) {
    return { object };
  }
  const { name, namespace, generation = 0 } = object.metadata;
  const follower = new Follower(client, namespace, wait.kinds);
  const look: Look = (kind) => follower.objects(kind);
  try {
    await eventually(Infinity, () => follower.isSynced);
    let live = object;
    const isReady = await eventually(timeoutMs, () => {
      const found = look(object.kind).find(({ metadata }) => metadata.name === name);
      live = found !== undefined && (found.metadata.generation ?? 0) >= generation ? found : live;
      return wait.lack(live, look) === undefined;
    });
    return isReady || wait.atEnd?.(live, look) === true
      ? { object: live }
      : { object: live, problem: { message: wait.timedOut(name), reasons: wait.lack(live, look) ?? [] } };
  } finally {
    follower.stop();
  }
}

/** Whether an object that is read is ready, where the official provider looks. */
export async function readiness(client: Client, object: KubernetesObject): Promise<Awaited> {
  const wait = waitOf(object, undefined, 0);
  if (wait?.onRead !== true) {
    return { object };
  }
  const { name, namespace } = object.metadata;
  // What it may not list, the official provider takes for missing.
  const list = (kind: Kind) =>
    client.list(kind, namespace).then(
      ({ items }) => items,
      () => [],
    );
  const [, ...others] = wait.kinds;
  const lists = new Map(await Promise.all(others.map(async (kind) => [kind.kind, await list(kind)] as const)));
  const reasons = wait.lack(object, (kind) => lists.get(kind) ?? []);
  return reasons === undefined
    ? { object }
    : { object, problem: { message: `Resource '${name}' was created but failed to initialize`, reasons } };
}

/** Whether the object is gone in time. */
export async function waitUntilGone(client: Client, object: KubernetesObject, timeoutMs: number): Promise<boolean> {
  const { name, namespace } = object.metadata;
  const follower = new Follower(client, namespace, [object]);
  try {
    await eventually(Infinity, () => follower.isSynced);
    return await eventually(
      timeoutMs,
      () => !follower.objects(object.kind).some(({ metadata }) => metadata.name === name),
    );
  } finally {
    follower.stop();
  }
}

async function eventually(timeoutMs: number, isTrue: () => boolean): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (!isTrue()) {
    if (Date.now() > end) {
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
