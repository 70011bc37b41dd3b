import type { KubernetesObject } from "./client";

/** Official default. Unit: seconds. */
const DEFAULT_TIMEOUT_SECONDS = 600;
const POLL_MS = 200;

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

type Status = { conditions?: { type: string; status: string; message?: string }[] } & Record<string, unknown>;

/** What the object still lacks; undefined if it is ready. */
type Lack = (object: KubernetesObject) => string | undefined;

function lackOfConditions(annotation: string): Lack {
  const targets = conditions(annotation);
  return ({ status = {} }) => {
    const { conditions: met } = status as Status;
    const unmet = targets.find(
      ({ type, status: value }) => !met?.some((it) => it.type === type && it.status === value),
    );
    const message = met?.find(({ type }) => type === unmet?.type)?.message;
    return unmet && `condition ${unmet.type}=${unmet.status}${message === undefined ? "" : ` (${message})`}`;
  };
}

/** The official provider waits for a Deployment's rollout by default. */
const lackOfRollout: Lack = ({ metadata, spec, status = {} }) => {
  const { replicas = 1 } = spec as { replicas?: number };
  const { observedGeneration, ...counts } = status as Record<string, number | undefined>;
  const rolled = ["replicas", "updatedReplicas", "availableReplicas"].every((key) => (counts[key] ?? 0) === replicas);
  return observedGeneration === metadata.generation && rolled ? undefined : `${replicas} replicas to be available`;
};

/**
 * Waits until the object has the conditions in its annotation, or a Deployment has its Pods.
 * @returns The object, and why it is not ready if the wait timed out.
 */
export async function waitUntilReady(
  object: KubernetesObject,
  get: () => Promise<KubernetesObject>,
): Promise<{ object: KubernetesObject; problem?: string }> {
  const annotations = (object.metadata.annotations ?? {}) as Record<string, string>;
  const wanted = annotations["pulumi.com/waitFor"];
  const isDeployment = object.kind === "Deployment";
  if ((wanted === undefined && !isDeployment) || annotations["pulumi.com/skipAwait"] === "true") {
    return { object };
  }
  const seconds = Number(annotations["pulumi.com/timeoutSeconds"] ?? DEFAULT_TIMEOUT_SECONDS);
  const end = Date.now() + seconds * 1000;
  const lackOf = wanted === undefined ? lackOfRollout : lackOfConditions(wanted);
  for (let current = object; ; current = await get()) {
    const lack = lackOf(current);
    if (lack === undefined) {
      return { object: current };
    }
    if (Date.now() > end) {
      return { object: current, problem: `timed out after ${seconds} s waiting for ${lack}` };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
