import { join } from "node:path";
import { kubeEnv, logOf } from "../controlPlane";
import { pidInside, startDaemon, type ProcessId } from "../namespaces";
import type { LabNode } from "../network";
import { REPOSITORY } from "../paths";
import { labPath } from "../state";
import { acmeSolverPath, echoBasicPath, type Tools } from "../tools";
import { ofRelease } from "./images";
import type { NodesArgs } from "./main";

/** What an image of Istio contains, by the release in its tag. */
function istioPrograms({ istio, programs, envoyBootstrap }: Tools): [string, string][] {
  const { envoy, nft, "pilot-agent": agent, "pilot-discovery": pilot } = programs;
  const all = { envoy, nft, "pilot-agent": agent, "pilot-discovery": pilot, "envoy-bootstrap": envoyBootstrap };
  return Object.entries(all).map(([name, path]) => [ofRelease(name, istio), path]);
}

/** Starts the kubelets and the load balancer. @param upgrade Tools of other releases of Istio whose images Pods may name. */
export function startNodes(
  pid: number,
  tools: Tools,
  nodes: readonly LabNode[],
  upgrade: readonly Tools[],
): Promise<ProcessId> {
  const args: NodesArgs = {
    folder: labPath("nodes"),
    logsFolder: labPath("logs"),
    programs: {
      ...tools.programs,
      acmesolver: acmeSolverPath(),
      "echo-basic": echoBasicPath(),
      ...Object.fromEntries([tools, ...upgrade].flatMap(istioPrograms)),
      node: process.execPath,
      repository: REPOSITORY,
    },
    // The API server does not look at it.
    certificate: { cert: labPath("kube-apiserver", "apiserver.crt"), key: labPath("kube-apiserver", "apiserver.key") },
    nodes: nodes.map(({ number, name, network }) => ({ number, name, network: pidInside(network.pid) })),
  };
  const main = join(REPOSITORY, "lab", "node", "main.ts");
  return startDaemon(pid, {
    name: "nodes",
    command: [process.execPath, "-r", "ts-node/register/transpile-only", main, JSON.stringify(args)],
    cwd: REPOSITORY,
    logFile: logOf("nodes"),
    env: kubeEnv(),
  });
}
