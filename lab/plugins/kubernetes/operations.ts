import { randomBytes } from "node:crypto";
import {
  hasSecret,
  hasUnknown,
  InitializationError,
  isMap,
  log,
  plain,
  type Create,
  type Delete,
  type Difference,
  type Properties,
  type Resource,
  type Update,
} from "../server";
import { Client, isRefusal, NoMatchError, type KubernetesObject } from "./client";
import { difference } from "./difference";
import { readKubeconfig } from "./kubeconfig";
import { CREATOR, isForced, takenOver } from "./managers";
import { readiness, waitUntilGone, waitUntilReady, type Awaited } from "./readiness";
import { removeRendered, render, renderedFile } from "./render";
import { readSettings, type Settings } from "./settings";
import { markSecrets, normalized, omit, pruned, readState, writeState } from "./state";

/** Official defaults. */
const TIMEOUT_MS = 600_000;
const RETRIES = 5;

const EXISTS_HELP = `The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use \`pulumi import\`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create.`;

const CONFLICT_HELP =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources";

const UNREACHABLE_HELP =
  'rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

let settings: Settings = readSettings({});
/** Namespace of objects that name none. */
let defaultNamespace = "default";
let connected: Client | { readonly unreachable: string } = { unreachable: "the provider was not configured" };

/** Tries to reach the cluster. Rendering, and a preview, go on without it. */
export async function connect(config: Readonly<Record<string, string>>): Promise<void> {
  settings = readSettings(config);
  try {
    const access = readKubeconfig(settings.kubeconfig, settings.context);
    defaultNamespace = access.namespace;
    const client = new Client(access);
    await client.reach().catch((error: unknown) => {
      throw new Error(`unable to load schema information from the API server: ${messageOf(error)}`);
    });
    connected = client;
  } catch (error) {
    connected = { unreachable: messageOf(error) };
  }
}

function reachable(): Client | undefined {
  return connected instanceof Client ? connected : undefined;
}

function unreachable(): string {
  const reason = connected instanceof Client ? "" : connected.unreachable;
  return `configured Kubernetes cluster is unreachable: ${reason}`;
}

/** @throws Error if there is none. */
function cluster(): Client {
  if (!(connected instanceof Client)) {
    throw new Error(unreachable());
  }
  return connected;
}

export async function check(resource: Resource, olds: Properties, news: Properties): Promise<Properties> {
  const inputs = hasUnknown(news) ? plain(news) : normalized(plain(news));
  const metadata = (inputs.metadata ?? {}) as Properties;
  if (typeof metadata.name !== "string") {
    throw new Error(
      isPatch(resource)
        ? "patch resources require the `.metadata.name` field to be set"
        : "the lab's stand-in for kubernetes does not generate names: set metadata.name",
    );
  }
  const checked = {
    ...inputs,
    metadata: {
      ...metadata,
      ...keptLabel(plain(olds), metadata),
      ...(metadata.namespace === undefined && (await isNamespaced(objectOf(inputs)))
        ? { namespace: defaultNamespace }
        : {}),
    },
  };
  const marked = markSecrets(checked, news);
  if (settings.renderYamlToDirectory !== undefined && hasSecret(marked)) {
    await log(resource, "warning", "rendered YAML will contain a secret value in plaintext");
  }
  return marked;
}

/** The label that client-side apply, and older stand-ins, set: it stays, and none is added. */
function keptLabel(olds: Properties, metadata: Properties): Properties {
  const name = "app.kubernetes.io/managed-by";
  const labels = (olds.metadata as { labels?: Properties } | undefined)?.labels;
  return labels?.[name] === "pulumi"
    ? { labels: { ...(metadata.labels as Properties | undefined), [name]: "pulumi" } }
    : {};
}

const CLUSTER_KINDS = ["v1/Namespace", "apiextensions.k8s.io/v1/CustomResourceDefinition"];

/** What nobody knows is taken for namespaced. */
async function isNamespaced(object: KubernetesObject): Promise<boolean> {
  return (
    !CLUSTER_KINDS.includes(`${object.apiVersion}/${object.kind}`) &&
    ((await reachable()?.isNamespaced(object)) ?? true)
  );
}

/** Compares with what the cluster last said of the fields that the program had set. */
export function diff(
  resource: Resource,
  olds: Properties,
  _oldInputs: Properties,
  news: Properties,
  ignored: readonly string[],
): Difference {
  const state = readState(olds);
  const wanted = normalized(plain(news));
  const old = normalized(pruned(state.live, normalized(state.inputs)) as Properties);
  const metadata = old.metadata as Properties;
  return difference(
    { ...objectOf(wanted), ...old, metadata: { ...metadata, name: state.live.metadata.name } },
    objectOf(wanted),
    { mutable: settings, isPatch: isPatch(resource), ignored },
  );
}

export async function create(request: Create): Promise<{ id: string; outputs: Properties }> {
  const { resource, preview } = request;
  const object = objectOf(plain(request.inputs));
  const client = reachable();
  if (client === undefined && !preview && settings.renderYamlToDirectory === undefined) {
    throw new Error(unreachable());
  }
  const isUnpredictable = async () =>
    hasUnknown(object) || isPatch(resource) || (await client?.isNamespaced(object)) === undefined;
  if (preview && (await isUnpredictable())) {
    return { id: idOf(object), outputs: request.inputs };
  }
  const manager = managerOf(object, undefined);
  const outputs = (live: KubernetesObject) => stateOf(object, live, request.inputs, object.apiVersion, manager);
  if (settings.renderYamlToDirectory !== undefined) {
    await log(
      resource,
      "info",
      `rendered ${await rendered(resource, object, request.inputs, settings.renderYamlToDirectory)}`,
      true,
    );
    return { id: idOf(object), outputs: outputs(object) };
  }
  let live: KubernetesObject;
  try {
    live = await retried(() => created(resource, object, manager, preview), preview);
  } catch (error) {
    if (preview && isExpectedInPreview(error)) {
      return { id: idOf(object), outputs: request.inputs };
    }
    throw new Error(failedCreation(resource, object, error), { cause: error });
  }
  if (preview) {
    return { id: idOf(live), outputs: outputs(omit(live, ["status"]) as KubernetesObject) };
  }
  const { object: ready, problem } = await waitUntilReady(cluster(), live, undefined, timeoutMs(request, object));
  failIf(
    problem,
    idOf(ready),
    outputs(ready),
    `resource "${resource.urn}" was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live: `,
  );
  return { id: idOf(ready), outputs: outputs(ready) };
}

/** Creates the object, or with `upsertExistingObjects` applies it. A patch is applied in any case. */
async function created(
  resource: Resource,
  object: KubernetesObject,
  manager: string,
  dryRun: boolean,
): Promise<KubernetesObject> {
  if (!settings.upsertExistingObjects && !isPatch(resource)) {
    return cluster().create(object, CREATOR, dryRun);
  }
  const force = isForced(object, undefined, { ...settings, preview: dryRun });
  return applied(object, manager, { force, dryRun, fieldValidation: "Warn" });
}

async function applied(...args: Parameters<Client["apply"]>): Promise<KubernetesObject> {
  try {
    return await cluster().apply(...args);
  } catch (error) {
    if (isRefusal(error, "Conflict")) {
      throw new Error(
        `server-side apply field conflict detected, see ${CONFLICT_HELP} for troubleshooting help\n` +
          `The resource managed by field manager "${args[1]}" had an apply conflict: ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** A preview may come before the namespace, or for an object that is there already. */
function isExpectedInPreview(error: unknown): boolean {
  return (
    isRefusal(error, "Forbidden") ||
    isRefusal(error, "AlreadyExists") ||
    (isRefusal(error, "NotFound") && error.kind === "namespaces")
  );
}

function failedCreation({ urn }: Resource, { apiVersion, kind }: KubernetesObject, error: unknown): string {
  if (error instanceof NoMatchError) {
    return (
      `creation of resource "${urn}" with kind ${apiVersion}/${kind} failed because the Kubernetes API server reported that the ` +
      `apiVersion for this resource does not exist. Verify that any required CRDs have been created: ${error.message}`
    );
  }
  const help = isRefusal(error, "AlreadyExists") ? `\n\n${EXISTS_HELP}` : "";
  return `resource "${urn}" was not successfully created by the Kubernetes API server: ${messageOf(error)}${help}`;
}

/** A namespace or a CRD may be on its way. */
async function retried<T>(attempt: () => Promise<T>, preview: boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const isMissing = isRefusal(error, "NotFound") || error instanceof NoMatchError;
      if (!isMissing || tries > RETRIES || (preview && isExpectedInPreview(error))) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** tries));
    }
  }
}

export async function update(request: Update): Promise<Properties> {
  const { resource, id, preview, news } = request;
  const object = objectOf(normalized(plain(news)));
  const client = reachable();
  if (client === undefined && !preview && settings.renderYamlToDirectory === undefined) {
    throw new Error(unreachable());
  }
  if (preview && (hasUnknown(object) || (await client?.isNamespaced(object)) === undefined)) {
    return news;
  }
  const old = readState(request.olds);
  const manager = managerOf(object, old.manager);
  const outputs = (live: KubernetesObject) =>
    stateOf(object, live, news, old.initialApiVersion ?? objectOf(old.inputs).apiVersion, manager);
  if (settings.renderYamlToDirectory !== undefined) {
    await log(
      resource,
      "info",
      `rendered ${await rendered(resource, object, news, settings.renderYamlToDirectory)}`,
      true,
    );
    return outputs(object);
  }
  let result: Awaited;
  try {
    const { before, after } = await replaced(resource, object, manager, preview, request.ignoreChanges);
    result = preview ? { object: after } : await waitUntilReady(cluster(), after, before, timeoutMs(request, object));
  } catch (error) {
    if (preview && isRefusal(error, "Forbidden")) {
      return news;
    }
    if (error instanceof NoMatchError) {
      throw new Error(
        `update of resource "${resource.urn}" failed because the Kubernetes API server reported that the apiVersion for this ` +
          `resource does not exist. Verify that any required CRDs have been created: ${error.message}`,
        { cause: error },
      );
    }
    const live = await cluster()
      .get(objectOf(old.live))
      .catch((reason: unknown) => {
        throw new Error(
          `update of resource "${resource.urn}" failed: ${messageOf(error)}\nunable to get cluster state: ${messageOf(reason)}`,
        );
      });
    result = { object: live, problem: { message: messageOf(error), reasons: [] } };
  }
  failIf(
    result.problem,
    idOf(result.object),
    outputs(result.object),
    `the Kubernetes API server reported that "${id}" failed to fully initialize or become live: `,
  );
  const former = managerOf(objectOf(old.inputs), old.manager);
  if (!preview && former !== manager) {
    await relinquish(result.object, former);
  }
  return outputs(result.object);
}

/** One server-side apply, after which this is the only manager of what `kubectl` or the object's creation had set. */
async function replaced(
  resource: Resource,
  object: KubernetesObject,
  manager: string,
  preview: boolean,
  ignored: readonly string[],
): Promise<{ before: KubernetesObject; after: KubernetesObject }> {
  if (ignored.length > 0) {
    throw new Error("the lab's stand-in for kubernetes does not support ignoreChanges");
  }
  const before = await cluster().get(object);
  const taken = preview || isPatch(resource) ? undefined : takenOver(before.metadata.managedFields ?? [], manager);
  const ours = taken === undefined ? before : await cluster().replaceManagedFields(object, taken);
  const force = isForced(object, ours, { ...settings, preview });
  return { before, after: await applied(object, manager, { force, dryRun: preview }) };
}

/** An apply of nothing gives up a manager's fields. If the object is gone, it makes a new one. */
async function relinquish({ apiVersion, kind, metadata }: KubernetesObject, manager: string): Promise<void> {
  const bare = { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace } };
  await cluster().apply(bare, manager, { force: false, dryRun: false });
}

export async function read(
  resource: Resource,
  id: string,
  outputs: Properties,
  inputs: Properties,
): Promise<{ inputs: Properties; outputs: Properties } | undefined> {
  const client = reachable();
  if (client === undefined) {
    await log(resource, "warning", unreachable());
    if (settings.deleteUnreachable) {
      return undefined;
    }
    throw new Error(
      "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this resource from " +
        `Pulumi state by ${UNREACHABLE_HELP}`,
    );
  }
  const state = readState(outputs);
  const old = normalized(plain(inputs));
  const isNew = old.kind === undefined && !("kind" in state.live);
  const object = isNew ? objectOfId(resource, id) : objectAt(id, { ...kindOf(state.live), ...old });
  const manager = managerOf(object, state.manager);
  const apiVersion = state.initialApiVersion ?? object.apiVersion;
  if (settings.renderYamlToDirectory !== undefined) {
    return { inputs, outputs: stateOf(old, state.live, inputs, apiVersion, manager) };
  }
  try {
    const { object: live, problem } = await (isNew
      ? client.get(object).then((live): Awaited => ({ object: live }))
      : client.get(object).then((live) => readiness(client, live)));
    // A `get` or an import has no inputs yet.
    const wanted = isNew ? normalized(omit(live, ["status"])) : (pruned(live, old) as Properties);
    const known = markSecrets(wanted, inputs);
    const result = stateOf(wanted, live, inputs, apiVersion, manager);
    failIf(problem, id, result, "", known);
    return { inputs: known, outputs: result };
  } catch (error) {
    if (isRefusal(error, "NotFound") || error instanceof NoMatchError) {
      return undefined;
    }
    throw error;
  }
}

export async function destroy(request: Delete): Promise<void> {
  const { resource, id } = request;
  const { live, inputs, manager } = readState(request.outputs);
  const folder = settings.renderYamlToDirectory;
  if (folder !== undefined) {
    removeRendered(live, folder);
    await log(resource, "info", `deleted ${renderedFile(live, folder)}`, true);
    return;
  }
  const client = reachable();
  if (client === undefined) {
    await log(resource, "warning", unreachable());
    if (settings.deleteUnreachable) {
      return;
    }
    throw new Error(
      "configured Kubernetes cluster is unreachable. If the cluster was deleted, you can remove this resource from Pulumi state by " +
        UNREACHABLE_HELP,
    );
  }
  const object = { ...kindOf(live), metadata: metadataOf(id) };
  try {
    if (isPatch(resource)) {
      await relinquish(object, managerOf(objectOf(inputs), manager)).catch(explainRequired);
      return;
    }
    const annotations = objectOf(inputs).metadata.annotations ?? {};
    await client.delete(object, propagation(annotations["pulumi.com/deletionPropagationPolicy"]));
    if (annotations["pulumi.com/skipAwait"] === "true" && UNAWAITED.includes(live.kind)) {
      return;
    }
    if (await waitUntilGone(client, object, timeoutMs(request, objectOf(inputs)))) {
      return;
    }
    const stuck = await client.get(object);
    const finalizers = stuck.metadata.finalizers?.join(", ") ?? "";
    await log(resource, "warning", `finalizers might be preventing deletion (${finalizers})`);
    throw new InitializationError(
      id,
      stateOf(live, stuck, request.outputs, live.apiVersion, manager ?? CREATOR),
      "timed out waiting for the condition",
    );
  } catch (error) {
    if (!isRefusal(error, "NotFound") && !(error instanceof NoMatchError)) {
      throw error;
    }
  }
}

/** Kinds that a delete with `pulumi.com/skipAwait` does not wait for. */
const UNAWAITED = ["Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job"];

function propagation(policy = ""): string {
  return { orphan: "Orphan", background: "Background" }[policy.toLowerCase()] ?? "Foreground";
}

function explainRequired(error: unknown): never {
  if (isRefusal(error, "Invalid") && error.message.includes("Required value")) {
    const field = /: ([^:]+): Required value/.exec(error.message)?.[1] ?? "";
    throw new Error(
      "this Patch resource is currently managing a required field, so it can't be deleted directly. Either set the " +
        `\`retainOnDelete\` resource option, or transfer ownership of the field before deleting: ${field}`,
    );
  }
  throw error;
}

async function rendered(
  resource: Resource,
  object: KubernetesObject,
  inputs: Properties,
  folder: string,
): Promise<string> {
  const file = renderedFile(object, folder);
  if (hasSecret(inputs)) {
    await log(resource, "warning", `rendered file ${file} contains a secret value in plaintext`);
  }
  render(object, folder);
  return file;
}

/** @throws InitializationError if there is a problem. */
function failIf(
  problem: Awaited["problem"],
  id: string,
  outputs: Properties,
  introduction: string,
  inputs?: Properties,
): void {
  if (problem !== undefined) {
    throw new InitializationError(id, outputs, introduction + problem.message, problem.reasons, inputs);
  }
}

function stateOf(
  inputs: Properties,
  live: KubernetesObject,
  given: Properties,
  initialApiVersion: string,
  manager: string,
): Properties {
  return writeState({ inputs, live, initialApiVersion, manager }, given);
}

/** As in the official provider: the object's annotation, then the manager in the state, then a generated name. */
function managerOf({ metadata }: KubernetesObject, inState: string | undefined): string {
  const own = metadata.annotations?.["pulumi.com/patchFieldManager"];
  return own ?? inState ?? `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
}

function isPatch({ type }: Resource): boolean {
  return type.endsWith("Patch");
}

/** Inputs as an object. The SDK gives every object its version and kind. */
function objectOf(inputs: Properties): KubernetesObject {
  return { ...inputs, metadata: isMap(inputs.metadata) ? inputs.metadata : {} } as unknown as KubernetesObject;
}

/** The object of a state. What was read by its id, and never written, has no inputs that name it. */
function objectAt(id: string, inputs: Properties): KubernetesObject {
  const object = objectOf(inputs);
  return { ...object, metadata: { ...object.metadata, ...metadataOf(id) } };
}

/** `kubernetes:GROUP/VERSION:KIND`; the core group is written `core/v1`. */
function objectOfId({ type }: Resource, id: string): KubernetesObject {
  const [, group = "", kind = ""] = type.split(":");
  return { apiVersion: group.replace(/^core\//, ""), kind, metadata: metadataOf(id) };
}

function kindOf({ apiVersion, kind }: KubernetesObject): Pick<KubernetesObject, "apiVersion" | "kind"> {
  return { apiVersion, kind };
}

function idOf({ metadata }: KubernetesObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function metadataOf(id: string): KubernetesObject["metadata"] {
  const [name = "", namespace] = id.split("/").reverse();
  return { name, namespace };
}

function timeoutMs({ timeoutSeconds }: { timeoutSeconds: number }, { metadata }: KubernetesObject): number {
  const annotated = Number(metadata.annotations?.["pulumi.com/timeoutSeconds"]);
  const seconds = timeoutSeconds !== 0 ? timeoutSeconds : annotated;
  return seconds > 0 ? seconds * 1000 : TIMEOUT_MS;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
