import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { isMap, type Properties } from "../server";

/** How to reach a cluster. */
export interface Access {
  readonly server: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** Namespace of objects that name none. */
  readonly namespace: string;
}

/** A kubeconfig's contents. @param given Contents or path. Default: KUBECONFIG, then ~/.kube/config. Undefined if there is none. */
function load(given: string | undefined): Properties | undefined {
  const path = given ?? process.env.KUBECONFIG ?? join(homedir(), ".kube", "config");
  if (existsSync(path)) {
    return (parse(readFileSync(path, "utf8")) ?? undefined) as Properties | undefined;
  }
  if (given === undefined) {
    return undefined;
  }
  const contents: unknown = parse(given);
  if (!isMap(contents)) {
    throw new Error(
      "failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- couldn't get version/kind; json parse error",
    );
  }
  return contents;
}

function named(list: unknown, name: unknown): Properties | undefined {
  return (list as ({ name: string } & Properties)[] | undefined)?.find((entry) => entry.name === name);
}

function contextOf(config: Properties, context: string | undefined): Properties | undefined {
  return named(config.contexts, context ?? config["current-context"])?.context as Properties | undefined;
}

/** The cluster that a provider's settings lead to, for comparison with another. Undefined if they do not say. */
export function activeCluster(kubeconfig: string | undefined, context: string | undefined): Properties | undefined {
  const config = kubeconfig === undefined ? undefined : load(kubeconfig);
  return config && named(config.clusters, contextOf(config, context)?.cluster);
}

/** @throws Error in the official provider's words. */
export function readKubeconfig(kubeconfig: string | undefined, wanted: string | undefined): Access {
  const unusable = (reason: string) =>
    new Error(
      "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: \n\n \t • set up the provider as per " +
        `https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ \n\n invalid configuration: ${reason}`,
    );
  const config = load(kubeconfig);
  if (config === undefined) {
    throw unusable("no configuration has been provided, try setting KUBERNETES_MASTER environment variable");
  }
  const context = contextOf(config, wanted);
  const cluster = named(config.clusters, context?.cluster)?.cluster as Record<string, string> | undefined;
  const user = named(config.users, context?.user)?.user as Record<string, string> | undefined;
  if (cluster?.server === undefined) {
    throw unusable(
      `[context was not found for specified context: ${wanted ?? String(config["current-context"])}, cluster has no server defined]`,
    );
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
    namespace: typeof context?.namespace === "string" ? context.namespace : "default",
  };
}
