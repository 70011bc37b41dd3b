import type { KubernetesObject } from "./client";

/** Official default. Unit: seconds. */
const DEFAULT_TIMEOUT_SECONDS = 600;
const POLL_MS = 200;

/** What `pulumi.com/waitFor` asks for: `condition=TYPE[=STATUS]`, or a JSON array of such. */
function conditions(annotation: string): { type: string; status: string }[] {
  const texts = annotation.startsWith("[") ? (JSON.parse(annotation) as string[]) : [annotation];
  return texts.map((text) => {
    const [, type, status = "True"] = /^condition=([^=]+)(?:=(.+))?$/.exec(text) ?? [];
    if (type === undefined) {
      throw new Error(`the lab's stand-in for kubernetes waits for condition=TYPE only, not for ${text}`);
    }
    return { type, status };
  });
}

/**
 * Waits until the object has the conditions that its annotation names.
 * @returns The object, and why it is not ready where the time is up.
 */
export async function waitUntilReady(
  object: KubernetesObject,
  get: () => Promise<KubernetesObject>,
): Promise<{ object: KubernetesObject; problem?: string }> {
  const annotations = (object.metadata.annotations ?? {}) as Record<string, string>;
  const wanted = annotations["pulumi.com/waitFor"];
  if (wanted === undefined || annotations["pulumi.com/skipAwait"] === "true") {
    return { object };
  }
  const seconds = Number(annotations["pulumi.com/timeoutSeconds"] ?? DEFAULT_TIMEOUT_SECONDS);
  const end = Date.now() + seconds * 1000;
  const targets = conditions(wanted);
  for (let current = object; ; current = await get()) {
    const status = (current.status ?? {}) as { conditions?: { type: string; status: string; message?: string }[] };
    const unmet = targets.find(
      ({ type, status: value }) => !status.conditions?.some((item) => item.type === type && item.status === value),
    );
    if (unmet === undefined) {
      return { object: current };
    }
    if (Date.now() > end) {
      const message = status.conditions?.find((item) => item.type === unmet.type)?.message;
      const reason = message === undefined ? "" : ` (${message})`;
      return {
        object: current,
        problem: `timed out after ${seconds} s waiting for condition ${unmet.type}=${unmet.status}${reason}`,
      };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
