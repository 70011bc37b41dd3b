import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceMonitorClient } from "@pulumi/pulumi/proto/resource_grpc_pb";
import { RegisterResourceRequest, type RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import * as statuspb from "@pulumi/pulumi/proto/status_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

/** A resource's inputs or outputs, as plain JSON. */
export type Properties = Record<string, unknown>;

/** How Pulumi encodes a value that is unknown until the update. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Key by which Pulumi marks special values, and its value for secrets. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

export interface Resource {
  readonly urn: string;
  /** Type token, e.g. `tls:index/privateKey:PrivateKey`. */
  readonly type: string;
  /** Name in the program. */
  readonly name: string;
}

/** How a property changes. */
export interface Change {
  readonly kind: "add" | "delete" | "update";
  readonly replace: boolean;
  /** Whether to show the change between inputs; otherwise it is shown between the state and the new inputs. */
  readonly inputDiff: boolean;
}

/** The difference between a resource's state and the program's inputs. */
export interface Difference {
  /** Changed properties by path, in Pulumi's notation. */
  readonly changes: Readonly<Record<string, Change>>;
  readonly deleteBeforeReplace?: boolean;
}

/** A setting or an input that the plugin refuses. */
export interface Failure {
  readonly property?: string;
  readonly reason: string;
}

/** The part of Pulumi's provider protocol that the stand-ins need. Errors become diagnostics of the resource. */
export interface Plugin {
  readonly version: string;
  /** Whether `create` and `update` can preview their outputs. */
  readonly supportsPreview: boolean;
  /** Whether secrets arrive marked, by `secret`. Otherwise Pulumi removes the marks, and adds them to outputs of the same name. */
  readonly acceptSecrets: boolean;
  configure?(config: Readonly<Record<string, string>>): void | Promise<void>;
  checkConfig?(config: Properties): Failure[];
  /** Differences between provider settings. Default: none. */
  diffConfig?(olds: Properties, news: Properties): Difference;
  /** Fills in defaults. */
  check(resource: Resource, olds: Properties, news: Properties): Properties | Promise<Properties>;
  /** @param ignored Paths of the resource's `ignoreChanges`. */
  diff(
    resource: Resource,
    olds: Properties,
    oldInputs: Properties,
    news: Properties,
    ignored: readonly string[],
  ): Difference;
  create(request: Create): Promise<{ id: string; outputs: Properties }>;
  update(request: Update): Promise<Properties>;
  /** Undefined if the resource is gone. */
  read(
    resource: Resource,
    id: string,
    outputs: Properties,
    inputs: Properties,
  ): Promise<{ inputs: Properties; outputs: Properties } | undefined>;
  delete(request: Delete): Promise<void>;
  /** Makes a component that lives in the provider, and returns its URN. */
  construct?(request: Construct): Promise<string>;
}

export interface Construct {
  readonly type: string;
  readonly name: string;
  readonly inputs: Properties;
  /** Registers the component, or a resource of this provider. Returns its URN. */
  readonly register: (resource: Registered) => Promise<string>;
}

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Properties;
  /** Whether a provider manages it; otherwise it is a component. */
  readonly isCustom: boolean;
  /** URN. Default: the component's own parent. */
  readonly parent?: string;
}

interface Write {
  readonly resource: Resource;
  /** The resource's `customTimeouts`; 0 if it has none. */
  readonly timeoutSeconds: number;
}

export interface Create extends Write {
  readonly inputs: Properties;
  readonly preview: boolean;
}

export interface Update extends Write {
  readonly id: string;
  readonly olds: Properties;
  readonly news: Properties;
  readonly ignoreChanges: readonly string[];
  readonly preview: boolean;
}

export interface Delete extends Write {
  readonly id: string;
  readonly outputs: Properties;
}

/** The object exists but did not become ready: Pulumi keeps it in the state and tries again. */
export class InitializationError extends Error {
  constructor(
    readonly id: string,
    readonly outputs: Properties,
    message: string,
    /** Reasons after the message. */
    readonly reasons: readonly string[] = [],
    readonly inputs?: Properties,
  ) {
    super(message);
  }
}

export function secret(value: unknown): Properties {
  return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value };
}

export function isSecret(value: unknown): boolean {
  return isMap(value) && value[SIGNATURE_KEY] === SECRET_SIGNATURE;
}

export function hasSecret(value: unknown): boolean {
  return isSecret(value) || (isNested(value) && Object.values(value).some(hasSecret));
}

/** The value without the marks of secrets. */
export function plain<T>(value: T): T {
  if (isSecret(value)) {
    return plain((value as { value: T }).value);
  }
  if (Array.isArray(value)) {
    return value.map(plain) as T;
  }
  return isMap(value) ? (mapValues(value, plain) as T) : value;
}

export function hasUnknown(value: unknown): boolean {
  return value === UNKNOWN || (isNested(value) && Object.values(value).some(hasUnknown));
}

export function isMap(value: unknown): value is Properties {
  return isNested(value) && !Array.isArray(value);
}

export function mapValues(map: Properties, change: (value: unknown, key: string) => unknown): Properties {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

let engine: EngineClient | undefined;

/** Shows a message with a resource: a line of the update's output, or with `status` only while the resource is in progress. */
export async function log(
  { urn }: Resource,
  severity: "info" | "warning",
  message: string,
  status = false,
): Promise<void> {
  const address = process.argv.at(-1) ?? "";
  engine ??= new EngineClient(address, grpc.credentials.createInsecure());
  const { INFO, WARNING } = LogSeverity;
  const request = new LogRequest().setUrn(urn).setSeverity(severity === "info" ? INFO : WARNING);
  request.setMessage(message).setEphemeral(status);
  await new Promise<void>((resolve) => engine?.log(request, () => resolve()));
}

/** Serves a plugin to the Pulumi engine, which reads the port from standard output. */
export function serve(plugin: Plugin): void {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": 400 * 1024 * 1024,
    "grpc.max_send_message_length": 400 * 1024 * 1024,
  });
  server.addService(ResourceProviderService, handlers(plugin));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) {
      throw error;
    }
    process.stdout.write(`${port}\n`);
  });
}

type Call<Request> = grpc.ServerUnaryCall<Request, unknown>;

/** A handler that answers with the result of `respond`, or with its error. */
function handle<Request, Response>(respond: (request: Request) => Response | Promise<Response>) {
  return (call: Call<Request>, callback: grpc.sendUnaryData<Response>) => {
    Promise.resolve()
      .then(() => respond(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toServiceError(error)),
      );
  };
}

function handlers(plugin: Plugin): grpc.UntypedServiceImplementation {
  const empty = () => new Empty();
  return {
    getPluginInfo: handle(() => new PluginInfo().setVersion(plugin.version)),
    getSchema: handle(() => new pb.GetSchemaResponse().setSchema("{}")),
    attach: handle(empty),
    cancel: handle(empty),
    checkConfig: handle((request: pb.CheckRequest) => {
      const news = read(request.getNews());
      return new pb.CheckResponse()
        .setInputs(request.getNews())
        .setFailuresList(
          (plugin.checkConfig?.(plain(news)) ?? []).map(({ property = "", reason }) =>
            new pb.CheckFailure().setProperty(property).setReason(reason),
          ),
        );
    }),
    diffConfig: handle((request: pb.DiffRequest) =>
      toDiffResponse(
        plugin.diffConfig?.(plain(read(request.getOlds())), plain(read(request.getNews()))) ?? { changes: {} },
      ),
    ),
    configure: handle(async (request: pb.ConfigureRequest) => {
      // NAME:config:KEY
      const variables = request.getVariablesMap().toArray();
      await plugin.configure?.(
        Object.fromEntries(variables.map(([name, value]) => [name.split(":").at(-1) ?? "", value])),
      );
      return new pb.ConfigureResponse()
        .setSupportspreview(plugin.supportsPreview)
        .setAcceptsecrets(plugin.acceptSecrets);
    }),
    check: handle(async (request: pb.CheckRequest) => {
      const resource = resourceOf(request.getUrn());
      const inputs = await plugin.check(resource, read(request.getOlds()), read(request.getNews()));
      return new pb.CheckResponse().setInputs(write(inputs));
    }),
    diff: handle((request: pb.DiffRequest) => {
      const resource = resourceOf(request.getUrn());
      const [olds, oldInputs, news] = [request.getOlds(), request.getOldInputs(), request.getNews()].map(read);
      const ignored = request.getIgnorechangesList();
      return toDiffResponse(plugin.diff(resource, olds ?? {}, oldInputs ?? {}, news ?? {}, ignored));
    }),
    create: handle(async (request: pb.CreateRequest) => {
      const preview = request.getPreview();
      const { id, outputs } = await plugin.create({
        resource: resourceOf(request.getUrn()),
        inputs: read(request.getProperties()),
        timeoutSeconds: request.getTimeout(),
        preview,
      });
      return new pb.CreateResponse().setId(preview ? "" : id).setProperties(write(outputs));
    }),
    update: handle(async (request: pb.UpdateRequest) => {
      const outputs = await plugin.update({
        resource: resourceOf(request.getUrn()),
        id: request.getId(),
        olds: read(request.getOlds()),
        news: read(request.getNews()),
        ignoreChanges: request.getIgnorechangesList(),
        timeoutSeconds: request.getTimeout(),
        preview: request.getPreview(),
      });
      return new pb.UpdateResponse().setProperties(write(outputs));
    }),
    read: handle(async (request: pb.ReadRequest) => {
      const resource = resourceOf(request.getUrn());
      const result = await plugin.read(
        resource,
        request.getId(),
        read(request.getProperties()),
        read(request.getInputs()),
      );
      return result === undefined
        ? new pb.ReadResponse()
        : new pb.ReadResponse()
            .setId(request.getId())
            .setInputs(write(result.inputs))
            .setProperties(write(result.outputs));
    }),
    delete: handle(async (request: pb.DeleteRequest) => {
      await plugin.delete({
        resource: resourceOf(request.getUrn()),
        id: request.getId(),
        outputs: read(request.getProperties()),
        timeoutSeconds: request.getTimeout(),
      });
      return new Empty();
    }),
    construct: handle(async (request: pb.ConstructRequest) => {
      const urn = await plugin.construct?.({
        type: request.getType(),
        name: request.getName(),
        inputs: plain(read(request.getInputs())),
        register: registrar(request),
      });
      return new pb.ConstructResponse().setUrn(urn ?? "").setState(write({}));
    }),
  };
}

/** Registers resources with the options of the component that is constructed. */
function registrar(request: pb.ConstructRequest): Construct["register"] {
  const monitor = new ResourceMonitorClient(request.getMonitorendpoint(), grpc.credentials.createInsecure(), {
    "grpc.max_send_message_length": 400 * 1024 * 1024,
  });
  return async ({ type, name, inputs, isCustom, parent = request.getParent() }) => {
    const [provider = ""] = type.split(":");
    const registration = new RegisterResourceRequest()
      .setType(type)
      .setName(name)
      .setParent(parent)
      .setCustom(isCustom)
      .setObject(write(inputs))
      .setProtect(request.getProtect() ?? false)
      .setProvider(isCustom ? (request.getProvidersMap().get(provider) ?? "") : "")
      .setDependenciesList(request.getDependenciesList())
      .setAcceptsecrets(true);
    const response = await new Promise<RegisterResourceResponse>((resolve, reject) => {
      monitor.registerResource(registration, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
    return response.getUrn();
  };
}

/** URN: `urn:pulumi:STACK::PROJECT::PARENT_TYPES$TYPE::NAME`. */
function resourceOf(urn: string): Resource {
  const [, , types = "", ...name] = urn.split("::");
  return { urn, type: types.split("$").at(-1) ?? "", name: name.join("::") };
}

function read(struct: Struct | undefined): Properties {
  return struct === undefined ? {} : struct.toJavaScript();
}

function write(properties: Properties): Struct {
  // A round trip through JSON drops undefined values, which a Struct cannot hold.
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)) as never);
}

function toDiffResponse({ changes, deleteBeforeReplace = false }: Difference): pb.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  const { Kind } = pb.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const;
  const paths = Object.entries(changes);
  const response = new pb.DiffResponse()
    .setChanges(paths.length === 0 ? DIFF_NONE : DIFF_SOME)
    .setReplacesList(paths.filter(([, { replace }]) => replace).map(([path]) => path))
    .setDeletebeforereplace(deleteBeforeReplace)
    .setHasdetaileddiff(true);
  for (const [path, { kind, replace, inputDiff }] of paths) {
    response
      .getDetaileddiffMap()
      .set(path, new pb.PropertyDiff().setKind(kinds[kind][replace ? 1 : 0]).setInputdiff(inputDiff));
  }
  return response;
}

/** A place at which two values differ. */
export interface Place {
  /** Keys and indexes. */
  readonly path: readonly (string | number)[];
  readonly before: unknown;
  readonly after: unknown;
}

/** The places at which two values differ: whole where one side has nothing or another type, otherwise as deep as possible. */
export function differences(before: unknown, after: unknown, path: Place["path"] = []): Place[] {
  const nested = isNested(before) && isNested(after) && Array.isArray(before) === Array.isArray(after);
  if (!nested) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const child = Array.isArray(after) ? Number(key) : key;
    return differences((before as Properties)[key], (after as Properties)[key], [...path, child]);
  });
}

/** A path in Pulumi's notation. */
export function pathText(path: Place["path"]): string {
  return path
    .map((step) =>
      typeof step === "number" ? `[${step}]` : /[."[\]]/.test(step) ? `["${step.replaceAll('"', '\\"')}"]` : `.${step}`,
    )
    .join("")
    .replace(/^\./, "");
}

/** Changed inputs, for plugins that compare only these. */
export function changedInputs(
  before: Properties,
  after: Properties,
  replaces: (path: string) => boolean,
): Difference["changes"] {
  return Object.fromEntries(
    differences(plain(before), plain(after)).map(({ path, before: old, after: current }) => {
      const text = pathText(path);
      const kind = old === undefined ? "add" : current === undefined ? "delete" : "update";
      return [text, { kind, replace: replaces(text), inputDiff: true }];
    }),
  );
}

function toServiceError(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitializationError) {
    const detail = new pb.ErrorResourceInitFailed()
      .setId(error.id)
      .setProperties(write(error.outputs))
      .setReasonsList([message, ...error.reasons]);
    if (error.inputs !== undefined) {
      detail.setInputs(write(error.inputs));
    }
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new statuspb.Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}
