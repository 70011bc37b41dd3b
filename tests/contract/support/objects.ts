import assert from "node:assert/strict";
import { Refused, type Properties } from "./plugin";
import { theCluster } from "./suite";

/** The field manager that an object's annotation asks for. */
export const OURS = "istio-gateway/contract";

interface Meta {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Inputs of an object as the SDK sends them. */
export function inputs(
  apiVersion: string,
  kind: string,
  [namespace, name]: readonly [namespace: string, name: string],
  rest: Properties,
  meta: Meta = {},
): Properties {
  const annotations = { "pulumi.com/patchFieldManager": OURS, ...meta.annotations };
  return { apiVersion, kind, metadata: { ...meta, name, namespace, annotations }, ...rest };
}

/** A namespace of its own for each file, so that files do not see each other's objects. */
export async function namespace(name: string): Promise<string> {
  await theCluster().kubectl(["create", "namespace", name]);
  return name;
}

/** What an operation was refused with. */
export async function refusal(operation: Promise<unknown>): Promise<Refused> {
  const outcome = await operation.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Refused, `expected a refusal, not ${String(outcome)}`);
  return outcome;
}
