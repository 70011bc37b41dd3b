import { hasSecret, isMap, isSecret, mapValues, plain, secret, type Properties } from "../server";
import type { KubernetesObject } from "./client";

/** Fields of `metadata` that only the API server writes. */
const READ_ONLY = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

export function isCoreSecret({ apiVersion, kind }: Properties): boolean {
  return apiVersion === "v1" && kind === "Secret";
}

/**
 * Inputs as the API server keeps them, so that they compare: a Secret's `stringData` in `data`, no read-only metadata, no status
 * of a CRD.
 */
export function normalized(given: Properties): Properties {
  const inputs = given.kind === "CustomResourceDefinition" ? omit(given, ["status"]) : given;
  const { stringData, ...rest } = isBuiltIn(inputs) ? withoutEmpty(inputs, ["data", "binaryData"]) : inputs;
  const isText = isMap(stringData) && Object.values(stringData).every((value) => typeof value === "string");
  const data = { ...(rest.data as Properties | undefined), ...(isText ? encoded(stringData) : {}) };
  return {
    ...rest,
    ...(isMap(inputs.metadata) ? { metadata: writableMetadata(inputs, inputs.metadata) } : {}),
    ...(isCoreSecret(inputs) && isText ? { data } : stringData === undefined ? {} : { stringData }),
  };
}

function writableMetadata(inputs: Properties, metadata: Properties): Properties {
  const writable = omit(metadata, READ_ONLY);
  return isBuiltIn(inputs) ? withoutEmpty(writable, ["labels", "annotations"]) : writable;
}

function encoded(texts: Properties): Properties {
  return mapValues(texts, (text) => Buffer.from(String(text)).toString("base64"));
}

/** The official provider knows the types of Kubernetes' own kinds, and drops their empty maps as the API server does. */
function isBuiltIn({ apiVersion }: Properties): boolean {
  return !String(apiVersion).includes(".");
}

function withoutEmpty(map: Properties, keys: readonly string[]): Properties {
  return omit(
    map,
    keys.filter((key) => isMap(map[key]) && Object.keys(map[key]).length === 0),
  );
}

export function omit(map: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** Values in `live` of what `inputs` sets. Elements of a list belong together by their place. */
export function pruned(live: unknown, inputs: unknown): unknown {
  if (Array.isArray(live) && Array.isArray(inputs)) {
    const [first] = [live[0] as unknown];
    return inputs.length > 0 && typeof first !== typeof inputs[0]
      ? live
      : inputs.slice(0, live.length).map((entry, index) => pruned(live[index], entry));
  }
  if (isMap(live) && isMap(inputs)) {
    const kept = Object.keys(live).filter((key) => key in inputs);
    return Object.fromEntries(kept.map((key) => [key, pruned(live[key], inputs[key])]));
  }
  return live;
}

/** Marks values as secret that are so in `like`, and whatever is in a Secret. */
export function markSecrets(values: Properties, like: Properties): Properties {
  if (values.kind === "Secret") {
    return mapValues(values, (value, key) => (["data", "stringData"].includes(key) ? secret(value) : value));
  }
  return mapValues(values, (value, key) => {
    const model = like[key];
    if (isMap(value) && isMap(model) && !isSecret(model)) {
      return markSecrets(value, model);
    }
    return hasSecret(model) ? secret(value) : value;
  });
}

/** What Pulumi keeps of an object: the object, and in `__inputs` what the program wanted. */
export interface State {
  readonly inputs: Properties;
  readonly live: KubernetesObject;
  readonly initialApiVersion: string | undefined;
  readonly manager: string | undefined;
}

/** @param given Inputs with secrets marked. */
export function writeState({ inputs, live, initialApiVersion, manager }: State, given: Properties): Properties {
  return {
    ...markSecrets(live, given),
    __inputs: markSecrets(inputs, given),
    __initialApiVersion: initialApiVersion,
    __fieldManager: manager,
  };
}

export function readState(state: Properties): State {
  const { __inputs = {}, ...live } = plain(state);
  return {
    inputs: __inputs as Properties,
    // Keys that are not the object's stay in it, as in the official provider: nothing sends it to the API server.
    live: live as KubernetesObject,
    initialApiVersion: live.__initialApiVersion as string | undefined,
    manager: live.__fieldManager as string | undefined,
  };
}
