import { existsSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { Properties } from "../server";

/** An object of the cluster. */
export interface KubernetesObject extends Properties {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string } & Properties;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Cluster {
  readonly server: URL;
  readonly agent: Agent;
  readonly headers: Record<string, string>;
}

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

type Named = { name: string } & Properties;

/** A small client of the Kubernetes API: what server-side apply needs. */
export class Client {
  private readonly cluster: Cluster;
  private readonly discovered = new Map<string, Promise<ApiResource[]>>();

  /** @param kubeconfig Contents or path. Default: KUBECONFIG, then ~/.kube/config. */
  constructor(kubeconfig?: string, context?: string) {
    this.cluster = readKubeconfig(kubeconfig, context);
  }

  async get(object: KubernetesObject): Promise<KubernetesObject> {
    return this.call("GET", await this.pathOf(object));
  }

  /** Server-side apply. https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
  async apply(
    object: KubernetesObject,
    manager: string,
    how: { dryRun: boolean; force: boolean },
  ): Promise<KubernetesObject> {
    const query = new URLSearchParams({ fieldManager: manager, force: String(how.force), fieldValidation: "Warn" });
    if (how.dryRun) {
      query.set("dryRun", "All");
    }
    return this.call(
      "PATCH",
      `${await this.pathOf(object)}?${query.toString()}`,
      object,
      "application/apply-patch+yaml",
    );
  }

  async delete(object: KubernetesObject): Promise<void> {
    await this.call("DELETE", await this.pathOf(object), { propagationPolicy: "Foreground" }, "application/json");
  }

  private async pathOf({ apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let resources = this.discovered.get(root);
    if (resources === undefined) {
      resources = this.call<{ resources: ApiResource[] }>("GET", root).then((list) => list.resources);
      this.discovered.set(root, resources);
      resources.catch(() => this.discovered.delete(root));
    }
    const found = (
      await resources.catch((error: unknown) => {
        if (error instanceof ApiError && error.status === 404) {
          return [];
        }
        throw error;
      })
    ).find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (found === undefined) {
      throw new ApiError(404, `no matches for kind "${kind}" in version "${apiVersion}"`);
    }
    const namespace = found.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${root}${namespace}/${found.name}/${metadata.name}`;
  }

  /** One call of the API. @throws ApiError if the API server rejects it. */
  call<T = KubernetesObject>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> {
    const { server, agent, headers } = this.cluster;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, server),
        {
          method,
          agent,
          timeout: 30_000,
          headers: {
            ...headers,
            accept: "application/json",
            ...(text === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(text) }),
          },
        },
        (response) => {
          let answer = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            const json = parseJson(answer);
            if (status >= 200 && status < 300) {
              resolve(json as T);
            } else {
              reject(
                new ApiError(
                  status,
                  typeof json.message === "string" ? json.message : `the API server answered ${status}`,
                ),
              );
            }
          });
        },
      );
      call.on("timeout", () => call.destroy(new Error("no answer within 30 s")));
      call.on("error", (error) => {
        reject(new Error(`configured Kubernetes cluster is unreachable: ${error.message}`));
      });
      call.end(text);
    });
  }

  /** A watch: reports each line of the answer until it ends. @throws what `seen` throws. */
  stream(path: string, seen: (line: string) => void): Promise<void> {
    const { server, agent, headers } = this.cluster;
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, server), { agent, headers }, (response) => {
        let rest = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          try {
            lines.forEach(seen);
          } catch (error) {
            call.destroy(error as Error);
          }
        });
        response.on("end", () => resolve());
        response.on("error", reject);
      });
      call.on("error", reject);
      call.end();
    });
  }
}

function parseJson(text: string): Properties {
  try {
    return JSON.parse(text) as Properties;
  } catch {
    return { message: text.slice(0, 200) };
  }
}

function readKubeconfig(given: string | undefined, wanted: string | undefined): Cluster {
  const unreachable = (reason: string) => new Error(`configured Kubernetes cluster is unreachable: ${reason}`);
  const path = given ?? process.env.KUBECONFIG ?? join(homedir(), ".kube", "config");
  const isContents = path.includes("\n") || path.trimStart().startsWith("{");
  if (!isContents && !existsSync(path)) {
    throw unreachable("no kubeconfig");
  }
  const config = parse(isContents ? path : readFileSync(path, "utf8")) as Record<string, unknown>;
  const pick = (list: unknown, name: unknown) => (list as Named[] | undefined)?.find((entry) => entry.name === name);
  const context = pick(config.contexts, wanted ?? config["current-context"])?.context as Properties | undefined;
  const cluster = pick(config.clusters, context?.cluster)?.cluster as Record<string, string> | undefined;
  const user = pick(config.users, context?.user)?.user as Record<string, string> | undefined;
  if (cluster?.server === undefined) {
    throw unreachable(`the kubeconfig has no context ${wanted ?? String(config["current-context"])}`);
  }
  const pem = (data: string | undefined, file: string | undefined) =>
    data === undefined ? file && readFileSync(file) : Buffer.from(data, "base64");
  return {
    server: new URL(cluster.server),
    agent: new Agent({
      keepAlive: true,
      ca: pem(cluster["certificate-authority-data"], cluster["certificate-authority"]),
      cert: pem(user?.["client-certificate-data"], user?.["client-certificate"]),
      key: pem(user?.["client-key-data"], user?.["client-key"]),
    }),
    headers: user?.token === undefined ? {} : { authorization: `Bearer ${user.token}` },
  };
}
