import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY, toolsFolder } from "../../../lab/paths";
import { run, type Result } from "../../../lab/processes";

/** Arguments of Node for the lab's command line. */
export const LAB_COMMAND = ["-r", "ts-node/register/transpile-only", join(REPOSITORY, "lab", "main.ts")];

/** A second lab next to the suite's, driven by its command line: same tools, different folder. */
export class SecondLab {
  private readonly cache = mkdtempSync(join(tmpdir(), "gateway-lab-"));
  /** Folder of the running lab. */
  readonly folder = join(this.cache, "lab");
  /** Options for processes that act on this lab. */
  readonly options = { cwd: REPOSITORY, env: { ...process.env, ISTIO_GATEWAY_CACHE: this.cache } };

  constructor() {
    process.once("exit", this.atExit);
    symlinkSync(toolsFolder(), join(this.cache, "tools"));
  }

  run(...args: string[]): Promise<Result> {
    return run(process.execPath, [...LAB_COMMAND, ...args], this.options);
  }

  /** Ends it, even if the suite is interrupted. */
  end(): void {
    process.off("exit", this.atExit);
    spawnSync(process.execPath, [...LAB_COMMAND, "down"], this.options);
    rmSync(this.cache, { recursive: true, force: true });
  }

  private readonly atExit = () => this.end();
}
