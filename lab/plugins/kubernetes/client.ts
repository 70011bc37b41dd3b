import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { createInterface } from "node:readline";
import type { Properties } from "../server";
import { readKubeconfig, type Access } from "./kubeconfig";

/** An object of the cluster. */
export interface KubernetesObject extends Properties {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export interface Metadata extends Properties {
  name: string;
  namespace?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  generation?: number;
  finalizers?: string[];
  managedFields?: ManagedFields[];
}

/** What one manager owns of an object. https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
export interface ManagedFields extends Properties {
  manager: string;
  operation: "Apply" | "Update";
  fieldsV1?: Properties;
  subresource?: string;
}

/** The API server's refusal. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** Kubernetes' word for it, such as `AlreadyExists`. */
    readonly reason: string,
    message: string,
    /** Plural name of the kind that it is about. */
    readonly kind?: string,
  ) {
    super(message);
  }
}

/** Whether the error is the API server's, for this reason. */
export function isRefusal(error: unknown, reason: string): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

/** The API server has no such kind: its CRD may be missing. */
export class NoMatchError extends Error {
  constructor({ apiVersion, kind }: Kind) {
    super(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface ApplyOptions {
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly fieldValidation?: "Warn";
}

export type Kind = Pick<KubernetesObject, "apiVersion" | "kind">;

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubernetesObject[];
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubernetesObject;
}

/** Longest time to an answer. Unit: milliseconds. */
const ANSWER_MS = 30_000;

/** A small client of the Kubernetes API: what the stand-in needs. */
export class Client {
  private readonly discovered = new Map<string, Promise<readonly ApiResource[]>>();

  /** @param access Default: as KUBECONFIG says. */
  constructor(private readonly access: Access = readKubeconfig(undefined, undefined)) {}

  /** @throws Error if the API server cannot be reached. */
  async reach(): Promise<void> {
    // The official provider reads it. Others than administrators may get it, but not ask for its head.
    (await this.open("GET", "/openapi/v2?timeout=32s", {})).destroy();
  }

  /** Whether objects of this kind have a namespace. Undefined if the API server does not have the kind. */
  async isNamespaced(kind: Kind): Promise<boolean | undefined> {
    return (await this.discover(kind))?.namespaced;
  }

  async get(object: KubernetesObject): Promise<KubernetesObject> {
    return this.call("GET", await this.pathOf(object));
  }

  /** Refused if the object exists. */
  async create(object: KubernetesObject, manager: string, dryRun: boolean): Promise<KubernetesObject> {
    const path = (await this.pathOf(object)).replace(/\/[^/]+$/, "");
    return this.call("POST", path + query({ fieldManager: manager, dryRun: dryRun && "All" }), object);
  }

  /** Server-side apply. https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
  async apply(object: KubernetesObject, manager: string, options: ApplyOptions): Promise<KubernetesObject> {
    const { force, dryRun, fieldValidation } = options;
    const parameters = query({ fieldManager: manager, force: String(force), dryRun: dryRun && "All", fieldValidation });
    return this.call("PATCH", (await this.pathOf(object)) + parameters, object, "application/apply-patch+yaml");
  }

  async replaceManagedFields(object: KubernetesObject, value: readonly ManagedFields[]): Promise<KubernetesObject> {
    const patch = [{ op: "replace", path: "/metadata/managedFields", value }];
    return this.call("PATCH", await this.pathOf(object), patch, "application/json-patch+json");
  }

  async delete(object: KubernetesObject, propagationPolicy: string): Promise<void> {
    await this.call("DELETE", await this.pathOf(object), { propagationPolicy });
  }

  /** The objects of a kind in a namespace, and their list's version. */
  async list(kind: Kind, namespace: string | undefined): Promise<List> {
    return this.call("GET", await this.folderOf(kind, namespace));
  }

  /** Reports each change of a list since this version, until the signal or the API server ends it. */
  async watch(
    kind: Kind,
    namespace: string | undefined,
    resourceVersion: string,
    report: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const path = (await this.folderOf(kind, namespace)) + query({ watch: "true", resourceVersion });
    await this.stream(path, (line) => report(JSON.parse(line) as WatchEvent), signal);
  }

  /** Reports each line of an answer until the signal or the API server ends it. @throws what `report` throws. */
  async stream(path: string, report: (line: string) => void, signal = new AbortController().signal): Promise<void> {
    const response = await this.open("GET", path, { signal });
    try {
      for await (const line of createInterface({ input: response })) {
        report(line);
      }
    } finally {
      response.destroy();
    }
  }

  private async discover({ apiVersion, kind }: Kind): Promise<ApiResource | undefined> {
    const root = rootOf(apiVersion);
    const find = (list: readonly ApiResource[]) => list.find((it) => it.kind === kind && !it.name.includes("/"));
    const known = this.discovered.get(root);
    const found = known && find(await known);
    if (found !== undefined) {
      return found;
    }
    // What was missing before may have been created since.
    const list = this.call<{ resources: readonly ApiResource[] }>("GET", root).then(
      ({ resources }) => resources,
      (error: unknown) => {
        if (isRefusal(error, "NotFound")) {
          return [];
        }
        throw error;
      },
    );
    this.discovered.set(root, list);
    list.catch(() => this.discovered.delete(root));
    return find(await list);
  }

  private async pathOf(object: KubernetesObject): Promise<string> {
    const { name, namespace } = object.metadata;
    return `${await this.folderOf(object, namespace)}/${name}`;
  }

  private async folderOf(kind: Kind, namespace = this.access.namespace): Promise<string> {
    const resource = await this.discover(kind);
    if (resource === undefined) {
      throw new NoMatchError(kind);
    }
    return `${rootOf(kind.apiVersion)}${resource.namespaced ? `/namespaces/${namespace}` : ""}/${resource.name}`;
  }

  /** One call of the API. @throws ApiError if the API server refuses it. */
  async call<T = KubernetesObject>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
    const response = await this.open(method, path, { body, type });
    return JSON.parse(await textOf(response)) as T;
  }

  private open(
    method: string,
    path: string,
    { body, type = "application/json", signal }: { body?: unknown; type?: string; signal?: AbortSignal },
  ): Promise<IncomingMessage> {
    const { server, agent, headers } = this.access;
    const url = new URL(path, server);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const content = text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const call = request(url, {
        method,
        agent,
        signal,
        timeout: signal === undefined ? ANSWER_MS : 0,
        headers: { ...headers, accept: "application/json", "user-agent": "pulumi-kubernetes (lab)", ...content },
      });
      call.on("response", (response) => {
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) {
          resolve(response);
        } else {
          textOf(response).then((answer) => reject(refusal(statusCode, answer)), reject);
        }
      });
      call.on("timeout", () => call.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
      call.on("error", (error) => reject(new Error(goText(method, url, error))));
      call.end(text);
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += String(chunk);
  }
  return text;
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function query(parameters: Record<string, string | false | undefined>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return `?${new URLSearchParams(given).toString()}`;
}

function refusal(status: number, answer: string): ApiError {
  try {
    const { reason, message, details } = JSON.parse(answer) as Record<"reason" | "message", string> & {
      details?: { kind?: string };
    };
    return new ApiError(status, reason, message, details?.kind);
  } catch {
    // A group or a version that the API server does not have.
    return new ApiError(
      status,
      status === 404 ? "NotFound" : "Unknown",
      `the API server answered ${status}: ${answer.slice(0, 200)}`,
    );
  }
}

/** A failed connection in the words of Go's client, which the official provider passes on. */
function goText(method: string, url: URL, error: Error & { code?: string; address?: string; port?: number }): string {
  const verb = method.slice(0, 1) + method.slice(1).toLowerCase();
  return `${verb} "${url.href}": ${reasonOf(error)}`;
}

function reasonOf({
  code,
  message,
  address,
  port,
}: Error & { code?: string; address?: string; port?: number }): string {
  if (code === "ECONNREFUSED") {
    return `dial tcp ${address}:${port}: connect: connection refused`;
  }
  if (message === "socket hang up") {
    return "EOF";
  }
  return code === "ECONNRESET" ? "read: connection reset by peer" : message;
}
