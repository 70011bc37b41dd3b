import { randomBytes } from "node:crypto";
import {
  changedPaths,
  hasUnknown,
  InitializationError,
  secret,
  serve,
  type Plugin,
  type Properties,
  type Resource,
} from "../server";
import { ApiError, Client, type KubernetesObject } from "./client";
import { removeRendered, render } from "./render";
import { waitUntilReady } from "./waitFor";

/** Stand-in for @pulumi/kubernetes 4.34.2, lab only: server-side apply of any kind, patches, and rendering. */

interface Settings {
  kubeconfig?: string;
  context?: string;
  renderYamlToDirectory?: string;
  enableSecretMutable?: boolean;
  enableConfigMapMutable?: boolean;
}

const COVERED = [
  "kubeconfig",
  "context",
  "renderYamlToDirectory",
  "enableSecretMutable",
  "enableConfigMapMutable",
  "enableServerSideApply",
];

let settings: Settings = {};
let connected: Client | undefined;

/** Connects on first use: rendering, and a preview without resources, need no cluster. */
function client(): Client {
  connected ??= new Client(settings.kubeconfig, settings.context);
  return connected;
}

function isPatch({ type }: Resource): boolean {
  return type.endsWith("Patch");
}

/** `kubernetes:GROUP/VERSION:KIND`; the core group is written `core/v1`. */
function objectOf(resource: Resource, inputs: Properties): KubernetesObject {
  const [, group = "", kind = ""] = resource.type.split(":");
  const object = {
    ...inputs,
    apiVersion: group.replace(/^core\//, ""),
    kind: isPatch(resource) ? kind.slice(0, -"Patch".length) : kind,
  } as Partial<KubernetesObject>;
  if (typeof object.metadata?.name !== "string") {
    throw new Error("the lab's stand-in for kubernetes does not generate names: set metadata.name");
  }
  return object as KubernetesObject;
}

function idOf({ metadata }: KubernetesObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function metadataOf(id: string): KubernetesObject["metadata"] {
  const [name = "", namespace] = id.split("/").reverse();
  return { name, namespace };
}

/** The object as the cluster has it, with what the official provider adds and hides applied. */
function outputsOf(resource: Resource, live: KubernetesObject, manager: string): Properties {
  const { managedFields: _, ...metadata } = live.metadata;
  const outputs: Properties = { ...live, metadata, __fieldManager: manager };
  if (resource.type === "kubernetes:core/v1:Secret") {
    for (const key of ["data", "stringData"]) {
      if (outputs[key] !== undefined) {
        outputs[key] = secret(outputs[key]);
      }
    }
    delete (metadata as Properties).annotations;
  }
  return outputs;
}

async function apply(
  resource: Resource,
  inputs: Properties,
  manager: string,
  preview: boolean,
): Promise<{ id: string; outputs: Properties }> {
  const object = objectOf(resource, inputs);
  const id = idOf(object);
  if (settings.renderYamlToDirectory !== undefined) {
    if (!preview) {
      render(object, settings.renderYamlToDirectory);
    }
    return { id, outputs: outputsOf(resource, object, manager) };
  }
  if (preview && hasUnknown(inputs)) {
    return { id, outputs: inputs };
  }
  const annotations = (object.metadata.annotations ?? {}) as Record<string, string>;
  const force = annotations["pulumi.com/patchForce"] === "true";
  const live = await client()
    .apply(object, manager, { dryRun: preview, force })
    .catch((error: unknown) => {
      // At preview the kind or the namespace may still be missing: the update may create it.
      if (preview && error instanceof ApiError && error.status === 404) {
        return object;
      }
      if (error instanceof ApiError && error.status === 409) {
        throw new Error(
          `Server-Side Apply field conflict detected. See https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources for troubleshooting help: ${error.message}`,
        );
      }
      throw error;
    });
  if (preview) {
    return { id, outputs: outputsOf(resource, live, manager) };
  }
  const awaited = await waitUntilReady(live, () => client().get(object));
  const outputs = outputsOf(resource, awaited.object, manager);
  if (awaited.problem !== undefined) {
    throw new InitializationError(
      id,
      outputs,
      `the Kubernetes API server reported that "${id}" failed to fully initialize or become live: ${awaited.problem}`,
    );
  }
  return { id, outputs };
}

/** As in the official provider: the object's annotation, then the manager in the state, then a generated name. */
function managerOf(inputs: Properties, outputs: Properties = {}): string {
  const annotations = (inputs.metadata as Properties | undefined)?.annotations as Properties | undefined;
  const own = annotations?.["pulumi.com/patchFieldManager"] as string | undefined;
  return own ?? (outputs.__fieldManager as string | undefined) ?? `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
}

/** Values in `live` of the keys that `inputs` sets: a refresh compares these with the program. */
function pruned(inputs: unknown, live: unknown): unknown {
  if (Array.isArray(inputs)) {
    return Array.isArray(live) && live.length === inputs.length
      ? inputs.map((entry, index) => pruned(entry, (live as unknown[])[index]))
      : live;
  }
  if (typeof inputs === "object" && inputs !== null && typeof live === "object" && live !== null) {
    const actual = live as Properties;
    return Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, pruned(value, actual[key])]));
  }
  return live;
}

const plugin: Plugin = {
  version: "4.34.2",
  supportsPreview: true,
  checkConfig: (config) =>
    Object.keys(config)
      .filter((key) => !COVERED.includes(key) && key !== "version")
      .map((key) => `the lab's stand-in for kubernetes does not support ${key}`),
  configure: (config) => {
    const text = (key: string) => config[key] as string | undefined;
    settings = {
      kubeconfig: text("kubeconfig"),
      context: text("context"),
      renderYamlToDirectory: text("renderYamlToDirectory"),
      enableSecretMutable: String(config.enableSecretMutable) === "true",
      enableConfigMapMutable: String(config.enableConfigMapMutable) === "true",
    };
  },
  check: (resource, _olds, news) => {
    if (isPatch(resource)) {
      return news;
    }
    const metadata = (news.metadata ?? {}) as Properties;
    const labels = { ...(metadata.labels as Properties | undefined), "app.kubernetes.io/managed-by": "pulumi" };
    return { ...news, metadata: { ...metadata, labels } };
  },
  diff: (resource, _olds, oldInputs, news) => {
    const identity = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
    const isSecret = resource.type === "kubernetes:core/v1:Secret";
    const isConfigMap = resource.type === "kubernetes:core/v1:ConfigMap";
    const replaces = (path: string) =>
      identity.includes(path) ||
      (isSecret && path === "type") ||
      (isSecret && settings.enableSecretMutable !== true && /^(data|stringData)\b/.test(path)) ||
      (isConfigMap && settings.enableConfigMapMutable !== true && /^(data|binaryData)\b/.test(path));
    const changes = Object.fromEntries(
      changedPaths(oldInputs, news).map((path) => [path, { replace: replaces(path) }]),
    );
    const { name, namespace } = (news.metadata ?? {}) as Properties;
    const old = (oldInputs.metadata ?? {}) as Properties;
    return { changes, deleteBeforeReplace: name === old.name && namespace === old.namespace };
  },
  create: (resource, inputs, preview) => apply(resource, inputs, managerOf(inputs), preview),
  update: async (resource, _id, olds, news, preview) =>
    (await apply(resource, news, managerOf(news, olds), preview)).outputs,
  read: async (resource, id, outputs, inputs) => {
    if (settings.renderYamlToDirectory !== undefined) {
      return { inputs, outputs };
    }
    // A `get` has only the id.
    const object = objectOf(resource, inputs.metadata === undefined ? { metadata: metadataOf(id) } : inputs);
    try {
      const live = await client().get(object);
      const kept = pruned(inputs, live) as Properties;
      if (inputs.stringData !== undefined) {
        kept.stringData = decoded(inputs.stringData as Properties, live.data as Record<string, string> | undefined);
      }
      return { inputs: secretInputs(resource, kept), outputs: outputsOf(resource, live, managerOf(inputs, outputs)) };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  },
  delete: async (resource, _id, outputs) => {
    const object = objectOf(resource, outputs);
    if (settings.renderYamlToDirectory !== undefined) {
      removeRendered(object, settings.renderYamlToDirectory);
      return;
    }
    const gone = (error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) {
        throw error;
      }
      return undefined;
    };
    if (isPatch(resource)) {
      // An empty apply gives up the fields. If the object is gone, it would create a new one.
      if ((await client().get(object).catch(gone)) !== undefined) {
        const { apiVersion, kind, metadata } = object;
        const bare = { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace } };
        await client().apply(bare, managerOf({}, outputs), { dryRun: false, force: false });
      }
      return;
    }
    await client().delete(object).catch(gone);
    const end = Date.now() + 600_000;
    while ((await client().get(object).catch(gone)) !== undefined) {
      if (Date.now() > end) {
        throw new Error(`"${idOf(object)}" was not deleted within 600 s`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },
};

/** The API server keeps `stringData` as base64 in `data`. */
function decoded(stringData: Properties, data: Record<string, string> | undefined): Properties {
  return Object.fromEntries(
    Object.keys(stringData).flatMap((key) => {
      const value = data?.[key];
      return value === undefined ? [] : [[key, Buffer.from(value, "base64").toString("utf8")] as const];
    }),
  );
}

function secretInputs(resource: Resource, inputs: Properties): Properties {
  return resource.type === "kubernetes:core/v1:Secret" && inputs.stringData !== undefined
    ? { ...inputs, stringData: secret(inputs.stringData) }
    : inputs;
}

serve(plugin);
