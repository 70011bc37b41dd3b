import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab/lab";
import { REPOSITORY } from "../lab/paths";
import { timed, type Cost } from "./clock";
import { FOLDER, ONE_WRITE } from "./stacks";

/** What `pulumi new typescript` generates, with the SDK actually loaded. */
const EMPTY = `import * as pulumi from "@pulumi/pulumi";
export const project = pulumi.getProject();
`;

/** Registers the objects of a file one by one: what somebody who has the objects would write. */
const PLAIN = `import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

const file = new pulumi.Config().require("objects");
for (const object of JSON.parse(readFileSync(file, "utf8")).items) {
  const name = [object.kind, object.metadata.namespace, object.metadata.name].join("-");
  if (object.kind === "Namespace") {
    new k8s.core.v1.NamespacePatch(name, { metadata: object.metadata });
  } else if (object.kind === "Secret") {
    new k8s.core.v1.Secret(name, object);
  } else {
    new k8s.apiextensions.CustomResource(name, object);
  }
}
`;

/** With the repository's compiler options. */
const TSCONFIG = {
  "ts-node": { swc: true },
  compilerOptions: { target: "ES2022", module: "commonjs", moduleResolution: "node", strict: true },
};

/** A stack of the empty or the plain program. */
export class Program {
  private constructor(
    private readonly lab: Lab,
    private readonly folder: string,
    private readonly stack: string,
  ) {}

  static async make(lab: Lab, kind: "empty" | "plain", stack: string, objects?: string): Promise<Program> {
    const folder = join(FOLDER, `${kind}-${stack}`);
    mkdirSync(folder);
    const project = { name: `bench-${kind}`, runtime: { name: "nodejs", options: { packagemanager: "npm" } } };
    writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify(project));
    writeFileSync(join(folder, "index.ts"), kind === "empty" ? EMPTY : PLAIN);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: `bench-${kind}`, main: "index.ts" }));
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
    const program = new Program(lab, folder, stack);
    await program.output("stack", "init", stack);
    if (objects !== undefined) {
      await program.output("config", "set", "objects", objects);
    }
    return program;
  }

  preview(env?: NodeJS.ProcessEnv): Promise<Cost> {
    return timed(this.lab, this.command("preview"), this.options(env));
  }

  up(env?: NodeJS.ProcessEnv): Promise<Cost> {
    return timed(this.lab, this.command("up", "--yes", "--skip-preview"), this.options(env));
  }

  async destroy(): Promise<void> {
    await timed(this.lab, this.command("destroy", "--yes", "--skip-preview"), this.options(ONE_WRITE));
  }

  private output(...command: string[]): Promise<string> {
    const words = command[1] === "init" ? command : [...command, "--stack", this.stack];
    return this.lab.output([this.pulumi, "-C", this.folder, ...words, "--non-interactive"], this.options());
  }

  private command(...command: string[]): string[] {
    return [this.pulumi, "-C", this.folder, ...command, "--stack", this.stack, "--non-interactive"];
  }

  private get pulumi(): string {
    return this.lab.tools.programs.pulumi;
  }

  private options(env: NodeJS.ProcessEnv = {}) {
    return { env: { PULUMI_NODEJS_ROOT_DIRECTORY: this.folder, ...env } };
  }
}
