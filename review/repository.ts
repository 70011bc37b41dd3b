import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A repository with stack files, and its history. */
export class Repository {
  constructor(readonly root: string) {}

  /** Names of the stacks in the work tree, or only the wanted one. @throws a one-line Error if it does not exist. */
  stacks(wanted?: string): string[] {
    const all = readdirSync(this.root).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    const found = all.filter((stack) => wanted === undefined || stack === wanted).sort();
    if (found.length === 0) {
      const name = wanted ?? "STACK";
      throw new Error(`there is no stack ${name}: Pulumi.${name}.yaml is missing`);
    }
    return found;
  }

  /** A stack's file in the work tree. */
  stackFile(stack: string): string {
    return join(this.root, stackFileName(stack));
  }

  /** The wanted revision, or else origin/main, or else main. @throws a one-line Error if there is none. */
  base(wanted?: string): string {
    const candidates = wanted === undefined ? ["origin/main", "main"] : [wanted];
    const found = candidates.find((revision) => this.has(revision));
    if (found === undefined) {
      throw new Error(`there is no revision ${candidates.join(" or ")}: fetch it, or pass another with --base`);
    }
    return found;
  }

  /** Calls `look` with the whole program as of the base, with the work tree's node_modules. */
  at<T>(base: string, look: (old: Repository) => T): T {
    const folder = mkdtempSync(join(tmpdir(), "review-"));
    try {
      const archive = this.run("git", ["archive", "--format=tar", this.fork(base)]);
      execFileSync("tar", ["-x", "-C", folder], { input: archive });
      const modules = join(this.root, "node_modules");
      if (existsSync(modules)) {
        symlinkSync(modules, join(folder, "node_modules"));
      }
      return look(new Repository(folder));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Where the work tree's branch forked from the base: what came to the base since is not part of this branch. */
  private fork(base: string): string {
    try {
      return this.git(["merge-base", base, "HEAD"]).trim();
    } catch {
      // There is no common history, as in a shallow clone.
      return base;
    }
  }

  private has(revision: string): boolean {
    // A revision that starts with a dash would be an option.
    try {
      this.git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]);
      return true;
    } catch {
      return false;
    }
  }

  private git(args: readonly string[]): string {
    return this.run("git", args).toString("utf8");
  }

  private run(command: string, args: readonly string[]): Buffer {
    return execFileSync(command, args, {
      cwd: this.root,
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 256 * 1024 * 1024,
    });
  }
}

export function stackFileName(stack: string): string {
  return `Pulumi.${stack}.yaml`;
}
