import { spawn } from "node:child_process";
import { join } from "node:path";
import { enter } from "../../../lab/namespaces";
import { REPOSITORY } from "../../../lab/paths";
import type { SteadyArgs, SteadyReport } from "../clients/steady";
import { theLab } from "./lab";

/** A load inside the lab, at a steady rate. */
export interface Steady {
  stop(): Promise<SteadyReport>;
}

export function startSteady(args: SteadyArgs): Steady {
  const program = ["-r", "ts-node/register/transpile-only", join(REPOSITORY, "tests", "e2e", "clients", "steady.ts")];
  const command = [process.execPath, ...program, JSON.stringify(args)];
  const child = spawn("nsenter", [...enter(theLab().snapshot.holder.pid, REPOSITORY), ...command], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  const report = new Promise<SteadyReport>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) {
        resolve(JSON.parse(text) as SteadyReport);
      } else {
        reject(new Error(`the load ended with ${code ?? "a signal"}`));
      }
    });
  });
  report.catch(() => undefined);
  return {
    stop: () => {
      child.stdin.end();
      return report;
    },
  };
}
