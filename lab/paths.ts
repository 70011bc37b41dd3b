import { homedir } from "node:os";
import { join } from "node:path";

/** Root of the repository. */
export const REPOSITORY = join(__dirname, "..");

/**
 * Folder for everything that can be recreated: the tools and the running lab.
 * ISTIO_GATEWAY_CACHE, else XDG_CACHE_HOME/istio-unified-gateway, else ~/.cache/istio-unified-gateway.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.ISTIO_GATEWAY_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "istio-unified-gateway");
}

/** Built and downloaded tools, one folder each, named after what went into it. */
export function toolsFolder(env?: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), "tools");
}

/** State, logs and sockets of the running lab. */
export function labFolder(env?: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), "lab");
}
