import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadStackFile, sealedPaths } from "../config/stackFile";
import { evaluate, type Finding, type PackConfig } from "../policy/evaluate";
import type { EmittedResource } from "../scripts/emittedResources";
import { objectChanges, objectName, type ObjectChange } from "./objects";
import type { Repository } from "./repository";
import { review } from "./review";

/** What a pull request would do to a stack, as far as it can be known without a cluster. */
export interface Preview {
  readonly stack: string;
  readonly base: string;
  /** The one error of a wrong config; nothing else is known then. */
  readonly error?: string;
  /** The review in words, as Markdown. */
  readonly review: string;
  /** Keys of encrypted values: placeholders stood in for them. */
  readonly sealed: readonly string[];
  /** Undefined where the base makes nothing to compare with. */
  readonly objects?: readonly ObjectChange[];
  /** Why there are none. */
  readonly notCompared?: string;
  readonly findings: readonly (Finding & { readonly object: string })[];
  /** Whether the stack may be deployed. */
  readonly passed: boolean;
}

/** @param old The program at the base. */
export function preview(
  now: Repository,
  old: Repository,
  stack: string,
  base: string,
  policyConfig?: PackConfig,
): Preview {
  const [before, after] = [old.stackFile(stack), now.stackFile(stack)];
  const known = { stack, base, review: review(stack, base, { before, after }).markdown };
  try {
    loadStackFile(after);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...known, error: message, sealed: [], findings: [], passed: false };
  }
  const resources = emitted(now, stack);
  const names = new Map(resources.map((resource) => [resource.urn, objectName(resource)]));
  const findings = evaluate(resources, policyConfig).map((finding) => ({
    ...finding,
    object: names.get(finding.urn) ?? finding.urn,
  }));
  return {
    ...known,
    sealed: sealedPaths(after),
    ...compared(() => (existsSync(before) ? emitted(old, stack) : []), base, resources),
    findings,
    passed: findings.every(({ level }) => level !== "mandatory"),
  };
}

function compared(
  before: () => EmittedResource[],
  base: string,
  after: readonly EmittedResource[],
): Pick<Preview, "objects" | "notCompared"> {
  try {
    return { objects: objectChanges(before(), after) };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.trim().split("\n").at(-1) ?? "").trim() : String(error);
    return { notCompared: `the program at ${base} makes nothing to compare with: ${reason}` };
  }
}

/** What a program makes of its own stack file: a change of the program shows too. @throws Error with what it said. */
function emitted({ root }: Repository, stack: string): EmittedResource[] {
  const tsNode = join(__dirname, "..", "node_modules", "ts-node", "register", "transpile-only");
  const command = ["-r", tsNode, join(__dirname, "emit.ts"), root, stack];
  try {
    const stdout = execFileSync(process.execPath, command, {
      cwd: join(__dirname, ".."),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 256 * 1024 * 1024,
    });
    return JSON.parse(stdout) as EmittedResource[];
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim();
    throw new Error(said === undefined || said === "" ? String(error) : said, { cause: error });
  }
}
