import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY, toolsFolder } from "../../../lab/paths";
import { run, type Result } from "../../../lab/processes";

/** A lab beside the suite's own, driven by its command line: same tools, other folder. */
export class SecondLab {
  private readonly cache = mkdtempSync(join(tmpdir(), "gateway-lab-"));

  constructor() {
    symlinkSync(toolsFolder(), join(this.cache, "tools"));
  }

  run(...args: string[]): Promise<Result> {
    const main = ["-r", "ts-node/register/transpile-only", join(REPOSITORY, "lab", "main.ts")];
    const env = { ...process.env, ISTIO_GATEWAY_CACHE: this.cache };
    return run(process.execPath, [...main, ...args], { cwd: REPOSITORY, env });
  }

  async end(): Promise<void> {
    await this.run("down");
    rmSync(this.cache, { recursive: true });
  }
}
