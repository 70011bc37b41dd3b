import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HandshakesArgs, HandshakesReport, Served } from "../../../lab/handshakes";
import { enter } from "../../../lab/namespaces";
import { REPOSITORY } from "../../../lab/paths";
import { eventually } from "../../../lab/processes";
import { theLab } from "./lab";

/** A load of requests inside the lab, each on its own connection. */
export interface Handshakes {
  /** Waits until a certificate is served, and returns when it first was. Unit: milliseconds since 1970. */
  firstSight(serial: string, timeoutMs: number): Promise<number>;
  /** Waits until any certificate has been served. */
  anySight(timeoutMs: number): Promise<void>;
  stop(): Promise<HandshakesReport>;
}

export function startHandshakes(args: HandshakesArgs): Handshakes {
  const program = ["-r", "ts-node/register/transpile-only", join(REPOSITORY, "lab", "handshakes.ts")];
  const command = [process.execPath, ...program, JSON.stringify(args)];
  const child = spawn("nsenter", [...enter(theLab().snapshot.holder.pid, REPOSITORY), ...command], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const seen = new Map<string, number>();
  const report = new Promise<HandshakesReport>((resolve, reject) => {
    child.once("error", reject);
    const lines = createInterface(child.stdout);
    lines.on("line", (line) => {
      const said = JSON.parse(line) as Served | { report: HandshakesReport };
      if ("report" in said) {
        resolve(said.report);
      } else {
        seen.set(said.serial, said.first);
      }
    });
    lines.once("close", () => reject(new Error("the load ended without a report")));
  });
  report.catch(() => undefined);
  return {
    firstSight: (serial, timeoutMs) =>
      eventually(
        `the certificate ${serial}`,
        timeoutMs,
        () => {
          const first = seen.get(serial);
          return first === undefined ? Promise.reject(new Error("it is not served")) : Promise.resolve(first);
        },
        20,
      ),
    anySight: (timeoutMs) =>
      eventually(
        "the first request",
        timeoutMs,
        () => (seen.size > 0 ? Promise.resolve() : Promise.reject(new Error("none was served"))),
        20,
      ),
    stop: () => {
      child.stdin.end();
      return report;
    },
  };
}
