import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogSeverity, type LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

export type Properties = Record<string, unknown>;

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

export const unknown = UNKNOWN;

export function secret(value: unknown): Properties {
  return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value };
}

export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as Properties)[SIGNATURE_KEY] === SECRET_SIGNATURE;
}

/** What Pulumi keeps of a resource. */
export interface State {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

export interface Diff {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** `KIND` of each changed property, by path; with ` input` if inputs are compared. */
  readonly detailed: Readonly<Record<string, string>>;
}

/** An operation that the provider refused. */
export class Refused extends Error {
  constructor(
    message: string,
    /** The resource was written but is not as it should be: what Pulumi then keeps, and why. */
    readonly partial?: { readonly id: string; readonly outputs: Properties; readonly reasons: readonly string[] },
  ) {
    super(message);
  }
}

type Answer<Response> = (error: grpc.ServiceError | null, response: Response) => void;

interface Options {
  readonly preview?: boolean;
  readonly ignoreChanges?: readonly string[];
}

/** A provider plugin's process, spoken to as the Pulumi engine does. */
export class Plugin {
  /** What it told the engine: `SEVERITY MESSAGE`. */
  readonly logs: string[] = [];
  private readonly engine = new grpc.Server();
  /** Otherwise the engine sends values without the marks of secrets. */
  private acceptsSecrets = true;
  private child!: ChildProcess;
  private client!: ResourceProviderClient;

  private constructor(private readonly name: string) {}

  static async start(name: string, program: string, env: NodeJS.ProcessEnv = {}): Promise<Plugin> {
    const plugin = new Plugin(name);
    const address = await plugin.startEngine();
    plugin.child = spawn(program, [address], {
      env: { ...process.env, KUBECONFIG: undefined, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    process.once("exit", plugin.kill);
    plugin.client = new ResourceProviderClient(
      `127.0.0.1:${await firstLine(plugin.child)}`,
      grpc.credentials.createInsecure(),
      { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 },
    );
    return plugin;
  }

  stop(): void {
    this.client.close();
    this.engine.forceShutdown();
    this.kill();
    process.off("exit", this.kill);
  }

  private readonly kill = () => void this.child.kill("SIGKILL");

  /** Its version, as it says. */
  async version(): Promise<string> {
    return (await this.call<PluginInfo>((answer) => this.client.getPluginInfo(new Empty(), answer))).getVersion();
  }

  /** Reasons why it refuses the settings. */
  async checkConfig(config: Properties): Promise<string[]> {
    const request = new pb.CheckRequest().setUrn(this.providerUrn()).setNews(struct(config));
    return (await this.call<pb.CheckResponse>((answer) => this.client.checkConfig(request, answer)))
      .getFailuresList()
      .map((it) => it.getReason());
  }

  async diffConfig(olds: Properties, news: Properties): Promise<Diff> {
    const request = new pb.DiffRequest().setUrn(this.providerUrn()).setOlds(struct(olds)).setNews(struct(news));
    return toDiff(await this.call<pb.DiffResponse>((answer) => this.client.diffConfig(request, answer)));
  }

  async configure(config: Record<string, string>): Promise<void> {
    const request = new pb.ConfigureRequest().setArgs(struct(config)).setAcceptsecrets(true).setAcceptresources(true);
    for (const [key, value] of Object.entries(config)) {
      request.getVariablesMap().set(`${this.name}:config:${key}`, value);
    }
    const response = await this.call<pb.ConfigureResponse>((answer) => this.client.configure(request, answer));
    this.acceptsSecrets = response.getAcceptsecrets();
  }

  resource(type: string, name: string): Resource {
    return new Resource(this, `urn:pulumi:contract::contract::${this.name}:${type}::${name}`);
  }

  private providerUrn(): string {
    return `urn:pulumi:contract::contract::pulumi:providers:${this.name}::provider`;
  }

  private struct(value: Properties): Struct {
    return struct(this.acceptsSecrets ? value : withoutMarks(value));
  }

  async check(urn: string, olds: Properties | undefined, news: Properties): Promise<Properties> {
    const request = new pb.CheckRequest().setUrn(urn).setNews(this.struct(news)).setRandomseed(Buffer.alloc(32, 7));
    const response = await this.call<pb.CheckResponse>((answer) =>
      this.client.check(olds === undefined ? request : request.setOlds(this.struct(olds)), answer),
    );
    const failures = response.getFailuresList().map((it) => `${it.getProperty()}: ${it.getReason()}`);
    if (failures.length > 0) {
      throw new Refused(failures.join("\n"));
    }
    return properties(response.getInputs());
  }

  async diff(urn: string, state: State, news: Properties, options: Options): Promise<Diff> {
    const request = new pb.DiffRequest().setUrn(urn).setId(state.id).setNews(this.struct(news));
    request.setOlds(this.struct(state.outputs)).setOldInputs(this.struct(state.inputs));
    return toDiff(
      await this.call<pb.DiffResponse>((answer) =>
        this.client.diff(request.setIgnorechangesList([...(options.ignoreChanges ?? [])]), answer),
      ),
    );
  }

  async create(urn: string, inputs: Properties, { preview = false }: Options): Promise<State> {
    const request = new pb.CreateRequest().setUrn(urn).setProperties(this.struct(inputs)).setPreview(preview);
    const response = await this.call<pb.CreateResponse>((answer) => this.client.create(request, answer));
    return { id: response.getId(), inputs, outputs: properties(response.getProperties()) };
  }

  async update(urn: string, state: State, news: Properties, options: Options): Promise<State> {
    const request = new pb.UpdateRequest().setUrn(urn).setId(state.id).setNews(this.struct(news));
    request
      .setOlds(this.struct(state.outputs))
      .setOldInputs(this.struct(state.inputs))
      .setPreview(options.preview ?? false);
    request.setIgnorechangesList([...(options.ignoreChanges ?? [])]);
    const response = await this.call<pb.UpdateResponse>((answer) => this.client.update(request, answer));
    return { id: state.id, inputs: news, outputs: properties(response.getProperties()) };
  }

  async read(urn: string, id: string, state?: State): Promise<State | undefined> {
    const request = new pb.ReadRequest().setUrn(urn).setId(id);
    if (state !== undefined) {
      request.setProperties(this.struct(state.outputs)).setInputs(this.struct(state.inputs));
    }
    const response = await this.call<pb.ReadResponse>((answer) => this.client.read(request, answer));
    const outputs = response.getProperties();
    return response.getId() === ""
      ? undefined
      : { id: response.getId(), inputs: properties(response.getInputs()), outputs: properties(outputs) };
  }

  async delete(urn: string, state: State): Promise<void> {
    const request = new pb.DeleteRequest().setUrn(urn).setId(state.id).setProperties(this.struct(state.outputs));
    await this.call<Empty>((answer) => this.client.delete(request.setOldInputs(this.struct(state.inputs)), answer));
  }

  private call<Response>(send: (answer: Answer<Response>) => unknown): Promise<Response> {
    return new Promise((resolve, reject) => {
      send((error, response) => {
        if (error === null) {
          resolve(response);
        } else {
          reject(toRefused(error));
        }
      });
    });
  }

  /** The part of the engine that a provider speaks to. */
  private async startEngine(): Promise<string> {
    const names = Object.entries(LogSeverity) as [string, number][];
    const log: grpc.handleUnaryCall<LogRequest, Empty> = ({ request }, callback) => {
      const [name = ""] = names.find(([, value]) => value === (request.getSeverity() as number)) ?? [];
      if (!request.getEphemeral()) {
        this.logs.push(`${name.toLowerCase()} ${request.getMessage()}`);
      }
      callback(null, new Empty());
    };
    const unused: grpc.handleUnaryCall<unknown, unknown> = (_call, callback) =>
      callback({ code: grpc.status.UNIMPLEMENTED, details: "not a part of the contract" });
    const methods = Object.keys(EngineService as object).map((method) => [method, unused] as const);
    this.engine.addService(EngineService, { ...Object.fromEntries(methods), log });
    const port = await new Promise<number>((resolve, reject) => {
      this.engine.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${port}`;
  }
}

/** One resource of a program. */
export class Resource {
  constructor(
    private readonly plugin: Plugin,
    readonly urn: string,
  ) {}

  check(news: Properties, old?: State): Promise<Properties> {
    return this.plugin.check(this.urn, old?.inputs, news);
  }

  /** Check and create. */
  async create(news: Properties, options: Options = {}): Promise<State> {
    return this.plugin.create(this.urn, await this.check(news), options);
  }

  /** Check and diff. */
  async diff(state: State, news: Properties, options: Options = {}): Promise<Diff> {
    return this.plugin.diff(this.urn, state, await this.check(news, state), options);
  }

  /** Check and update. */
  async update(state: State, news: Properties, options: Options = {}): Promise<State> {
    return this.plugin.update(this.urn, state, await this.check(news, state), options);
  }

  /** A refresh. */
  read(state: State): Promise<State | undefined> {
    return this.plugin.read(this.urn, state.id, state);
  }

  /** A `get` of the program, or an import. */
  get(id: string): Promise<State | undefined> {
    return this.plugin.read(this.urn, id);
  }

  delete(state: State): Promise<void> {
    return this.plugin.delete(this.urn, state);
  }
}

/** The port that a plugin prints. */
function firstLine({ stdout, pid }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (stdout === null) {
      throw new Error("the plugin has no output");
    }
    const lines = createInterface({ input: stdout });
    lines.once("line", resolve);
    lines.once("close", () => reject(new Error(`the plugin with pid ${pid} ended before it printed its port`)));
  });
}

function withoutMarks<T>(value: T): T {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (isSecret(value)) {
    return withoutMarks((value as unknown as { value: T }).value);
  }
  const entries = Object.entries(value).map(([key, nested]) => [key, withoutMarks(nested as unknown)] as const);
  return (Array.isArray(value) ? entries.map(([, nested]) => nested) : Object.fromEntries(entries)) as T;
}

function struct(value: Properties): Struct {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(value)) as never);
}

function properties(value: Struct | undefined): Properties {
  return value === undefined ? {} : value.toJavaScript();
}

function toDiff(response: pb.DiffResponse): Diff {
  const kinds = Object.entries(pb.PropertyDiff.Kind) as [string, number][];
  const nameOf = (kind: number) => kinds.find(([, value]) => value === kind)?.[0] ?? "";
  const detailed: Record<string, string> = {};
  response.getDetaileddiffMap().forEach((diff, path) => {
    detailed[path] = `${nameOf(diff.getKind())}${diff.getInputdiff() ? " input" : ""}`;
  });
  return {
    changes: response.getChanges() === pb.DiffResponse.DiffChanges.DIFF_SOME,
    replaces: response.getReplacesList().sort(),
    deleteBeforeReplace: response.getDeletebeforereplace(),
    detailed,
  };
}

function toRefused({ details, metadata }: grpc.ServiceError): Refused {
  const [encoded] = metadata.get("grpc-status-details-bin");
  if (!(encoded instanceof Buffer)) {
    return new Refused(details);
  }
  for (const any of Status.deserializeBinary(encoded).getDetailsList()) {
    const failure = any.unpack(
      (bytes) => pb.ErrorResourceInitFailed.deserializeBinary(bytes),
      "pulumirpc.ErrorResourceInitFailed",
    );
    if (failure !== null) {
      const partial = {
        id: failure.getId(),
        outputs: properties(failure.getProperties()),
        reasons: failure.getReasonsList(),
      };
      return new Refused(details, partial);
    }
  }
  return new Refused(details);
}
