import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse, stringify } from "yaml";
import { REPOSITORY } from "../../../lab/paths";
import { run, type Result } from "../../../lab/processes";
import { linkProject } from "../../../lab/stacks";
import { installPlugins } from "../../../lab/standIns";
import type { Tools } from "../../../lab/tools";

/** The program with Pulumi's own CLI, its state in a folder, and no cluster of its own. */
export class Program {
  readonly folder = mkdtempSync(join(tmpdir(), "gateway-program-"));
  private readonly project = join(this.folder, "project");
  private readonly home = join(this.folder, "home");
  private readonly state = join(this.folder, "state");

  constructor(private readonly tools: Tools) {
    for (const path of [this.project, this.home, this.state]) {
      mkdirSync(path);
    }
    linkProject(REPOSITORY, this.project);
    installPlugins(tools, join(this.home, "plugins"));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Runs the CLI in the project's folder, with its log as verbose as people turn it on. */
  pulumi(args: readonly string[], input?: string): Promise<Result> {
    const env = {
      ...process.env,
      PULUMI_BACKEND_URL: `file://${this.state}`,
      PULUMI_CONFIG_PASSPHRASE: "contract",
      PULUMI_HOME: this.home,
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_NODEJS_ROOT_DIRECTORY: this.project,
      KUBECONFIG: "/dev/null",
    };
    const command = ["-C", this.project, ...args, "--non-interactive", "--color", "never"];
    return run(this.tools.programs.pulumi, command, { env, input });
  }

  /** The same; if it fails, throws with its output. */
  async succeeds(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.pulumi(args, input);
    if (code !== 0) {
      throw new Error(`pulumi ${args.join(" ")} exited with ${code}:\n${stdout}\n${stderr}`);
    }
    return stdout + stderr;
  }

  /** Creates a stack with this config; the secrets are set as people set them. */
  async init(stack: string, config: object, secrets: Readonly<Record<string, string>>): Promise<void> {
    await this.succeeds(["stack", "init", stack]);
    const file = join(this.project, `Pulumi.${stack}.yaml`);
    const { encryptionsalt } = parse(readFileSync(file, "utf8")) as { encryptionsalt: string };
    writeFileSync(file, stringify({ encryptionsalt, config }));
    for (const [path, secret] of Object.entries(secrets)) {
      await this.succeeds(["config", "set", "--stack", stack, "--secret", "--path", path], secret);
    }
  }

  /** The files that Pulumi has written, state, backups, history and logs, with their content as text. */
  files(): { path: string; text: string }[] {
    const all = [this.state, join(this.home, "logs"), this.project].flatMap((folder) => filesIn(folder));
    return all.map((path) => {
      const content = readFileSync(path);
      return {
        path: path.slice(this.folder.length + 1),
        text: (path.endsWith(".gz") ? gunzipSync(content) : content).toString(),
      };
    });
  }
}

/** The files below a folder, without following links. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}
