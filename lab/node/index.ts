import { join } from "node:path";
import { kubeEnv, logOf } from "../controlPlane";
import { startDaemon, type ProcessId } from "../namespaces";
import { REPOSITORY } from "../paths";
import { labPath } from "../state";
import type { Tools } from "../tools";

/** Starts the lab's node, which runs Pods. */
export function startNode(pid: number, tools: Tools): Promise<ProcessId> {
  return startDaemon(pid, {
    name: "node",
    command: [
      process.execPath,
      "-r",
      "ts-node/register/transpile-only",
      join(REPOSITORY, "lab", "node", "main.ts"),
      labPath("node"),
      labPath("logs"),
      JSON.stringify(tools.programs),
    ],
    cwd: REPOSITORY,
    logFile: logOf("node"),
    env: kubeEnv(),
  });
}
