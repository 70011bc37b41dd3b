import * as grpc from "@grpc/grpc-js";
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
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Key by which Pulumi marks special values, and its value for secrets. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

export interface Resource {
  /** Type token, e.g. `tls:index/privateKey:PrivateKey`. */
  readonly type: string;
  /** Name in the program. */
  readonly name: string;
}

/** The difference between a resource's state and the program's inputs. */
export interface Difference {
  /** Changed properties by path, and whether each forces a replacement. */
  readonly changes: Readonly<Record<string, { readonly replace: boolean }>>;
  readonly deleteBeforeReplace?: boolean;
}

/** The part of Pulumi's provider protocol that the stand-ins need. Errors become diagnostics of the resource. */
export interface Plugin {
  readonly version: string;
  /** Whether `create` and `update` can preview their outputs. */
  readonly supportsPreview: boolean;
  configure?(config: Properties): void;
  /** Unsupported provider settings, one line each. */
  checkConfig?(config: Properties): string[];
  /** Fills in defaults. */
  check(resource: Resource, olds: Properties, news: Properties): Properties;
  diff(resource: Resource, olds: Properties, oldInputs: Properties, news: Properties): Difference;
  create(resource: Resource, inputs: Properties, preview: boolean): Promise<{ id: string; outputs: Properties }>;
  update(resource: Resource, id: string, olds: Properties, news: Properties, preview: boolean): Promise<Properties>;
  /** Undefined if the resource is gone. */
  read(
    resource: Resource,
    id: string,
    outputs: Properties,
    inputs: Properties,
  ): Promise<{ inputs: Properties; outputs: Properties } | undefined>;
  delete(resource: Resource, id: string, outputs: Properties): Promise<void>;
}

/** The object exists but did not become ready: Pulumi keeps it in the state and tries again. */
export class InitializationError extends Error {
  constructor(
    readonly id: string,
    readonly outputs: Properties,
    message: string,
  ) {
    super(message);
  }
}

export function secret(value: unknown): Properties {
  return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value };
}

export function hasUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(hasUnknown);
  }
  return value === UNKNOWN;
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
      const failures = plugin.checkConfig?.(news) ?? [];
      return new pb.CheckResponse()
        .setInputs(Struct.fromJavaScript(news as never))
        .setFailuresList(failures.map((reason) => new pb.CheckFailure().setReason(reason)));
    }),
    diffConfig: handle(() => new pb.DiffResponse().setChanges(pb.DiffResponse.DiffChanges.DIFF_NONE)),
    configure: handle((request: pb.ConfigureRequest) => {
      plugin.configure?.(read(request.getArgs()));
      return new pb.ConfigureResponse().setSupportspreview(plugin.supportsPreview);
    }),
    check: handle((request: pb.CheckRequest) => {
      const inputs = plugin.check(resourceOf(request.getUrn()), read(request.getOlds()), read(request.getNews()));
      return new pb.CheckResponse().setInputs(write(inputs));
    }),
    diff: handle((request: pb.DiffRequest) => {
      const resource = resourceOf(request.getUrn());
      return toDiffResponse(
        plugin.diff(resource, read(request.getOlds()), read(request.getOldInputs()), read(request.getNews())),
        read(request.getOldInputs()),
      );
    }),
    create: handle(async (request: pb.CreateRequest) => {
      const preview = request.getPreview();
      const resource = resourceOf(request.getUrn());
      const { id, outputs } = await plugin.create(resource, read(request.getProperties()), preview);
      return new pb.CreateResponse().setId(preview ? "" : id).setProperties(write(outputs));
    }),
    update: handle(async (request: pb.UpdateRequest) => {
      const resource = resourceOf(request.getUrn());
      const olds = read(request.getOlds());
      const news = read(request.getNews());
      const outputs = await plugin.update(resource, request.getId(), olds, news, request.getPreview());
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
      await plugin.delete(resourceOf(request.getUrn()), request.getId(), read(request.getProperties()));
      return new Empty();
    }),
  };
}

/** URN: `urn:pulumi:STACK::PROJECT::PARENT_TYPES$TYPE::NAME`. */
function resourceOf(urn: string): Resource {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split("$").at(-1) ?? "", name: name.join("::") };
}

function read(struct: Struct | undefined): Properties {
  return struct === undefined ? {} : struct.toJavaScript();
}

function write(properties: Properties): Struct {
  // A round trip through JSON drops undefined values, which a Struct cannot hold.
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)) as never);
}

function toDiffResponse(difference: Difference, oldInputs: Properties): pb.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  const paths = Object.entries(difference.changes);
  const response = new pb.DiffResponse()
    .setChanges(paths.length === 0 ? DIFF_NONE : DIFF_SOME)
    .setDiffsList([...new Set(paths.map(([path]) => path.split(/[.[]/)[0] ?? path))])
    .setReplacesList(paths.filter(([, { replace }]) => replace).map(([path]) => path.split(/[.[]/)[0] ?? path))
    .setDeletebeforereplace(difference.deleteBeforeReplace === true)
    .setHasdetaileddiff(true);
  const { Kind } = pb.PropertyDiff;
  for (const [path, { replace }] of paths) {
    const kind = valueAt(oldInputs, path) === undefined ? Kind.ADD : Kind.UPDATE;
    const replaceKind = kind === Kind.ADD ? Kind.ADD_REPLACE : Kind.UPDATE_REPLACE;
    response
      .getDetaileddiffMap()
      .set(path, new pb.PropertyDiff().setKind(replace ? replaceKind : kind).setInputdiff(true));
  }
  return response;
}

function valueAt(properties: Properties, path: string): unknown {
  return path
    .split(/[.[\]"]+/)
    .filter((segment) => segment !== "")
    .reduce<unknown>(
      (value, segment) => (typeof value === "object" && value !== null ? (value as Properties)[segment] : undefined),
      properties,
    );
}

/** Paths at which two values differ, in Pulumi's notation. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  const isMap = (value: unknown): value is Properties => typeof value === "object" && value !== null;
  if (!isMap(before) || !isMap(after) || Array.isArray(before) !== Array.isArray(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const plain = path === "" ? key : `${path}.${key}`;
    const child = Array.isArray(after) ? `${path}[${key}]` : /^[A-Za-z_]\w*$/.test(key) ? plain : `${path}["${key}"]`;
    return changedPaths(before[key], after[key], child);
  });
}

function toServiceError(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitializationError) {
    const detail = new pb.ErrorResourceInitFailed()
      .setId(error.id)
      .setProperties(write(error.outputs))
      .setReasonsList([message]);
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
