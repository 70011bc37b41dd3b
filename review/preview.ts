import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environmentsOf, loadStackFile, sealedIn } from "../config/load/stackFile";
import { keyPath } from "../config/values/problem";
import { evaluate, type Finding, type PackConfig } from "../policy/evaluate";
import type { EmittedResource } from "../emit/resources";
import { objectChanges, objectName, type ObjectChange } from "./objects";
import type { Repository } from "./repository";
import { review } from "./review";

/** What a pull request would do to a stack, as far as is known without a cluster. */
export interface Preview {
  readonly stack: string;
  readonly base: string;
  /** The single error of a wrong config; nothing else is known then. */
  readonly error?: string;
  /** The review in words, as Markdown. */
  readonly review: string;
  /** Keys of encrypted values, which placeholders replaced. */
  readonly sealed: readonly string[];
  /** Environments of Pulumi ESC that the stack imports. What they set is missing here. */
  readonly environments: readonly string[];
  /** Undefined if the program at the base cannot be run. */
  readonly objects?: readonly ObjectChange[];
  /** Why the objects could not be compared. The preview then fails: nobody should merge a change after half a comparison. */
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
  let resources: EmittedResource[];
  try {
    loadStackFile(after);
    resources = emitted(now, stack);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...known, error: message, sealed: [], environments: [], findings: [], passed: false };
  }
  const names = new Map(resources.map((resource) => [resource.urn, objectName(resource)]));
  const findings = evaluate(resources, policyConfig).map((finding) => ({
    ...finding,
    object: names.get(finding.urn) ?? finding.urn,
  }));
  const comparison = compared(() => (existsSync(before) ? emitted(old, stack) : []), base, resources);
  return {
    ...known,
    sealed: sealedIn(after).map(keyPath),
    environments: environmentsOf(after),
    ...comparison,
    findings,
    passed: comparison.notCompared === undefined && findings.every(({ level }) => level !== "mandatory"),
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
    const reason = error instanceof Error ? error.message : String(error);
    return { notCompared: `the program at ${base} cannot be run: ${reason}` };
  }
}

/** How each revision prints the resources of a stack, the newest way first: see emit/main.ts. */
const ENTRIES: readonly (readonly [file: string, args: (root: string, stack: string) => string[]])[] = [
  [join("emit", "main.ts"), (_root, stack) => [stack]],
  // Revisions before emit/ existed.
  [join("review", "emit.ts"), (root, stack) => [root, stack]],
];

/**
 * What a revision's program creates from its own stack file, so that changes to the program show too. @throws Error with the
 * program's own message.
 */
function emitted({ root }: Repository, stack: string): EmittedResource[] {
  const entry = ENTRIES.find(([file]) => existsSync(join(root, file)));
  if (entry === undefined) {
    throw new Error(`it has no ${ENTRIES[0]?.[0] ?? ""}`);
  }
  const [file, args] = entry;
  const transpile = join(root, "node_modules", "ts-node", "register", "transpile-only");
  try {
    const stdout = execFileSync(process.execPath, ["-r", transpile, join(root, file), ...args(root, stack)], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 256 * 1024 * 1024,
    });
    return JSON.parse(stdout) as EmittedResource[];
  } catch (error) {
    throw new Error(causeOf(error), { cause: error });
  }
}

/** What a failed program prints: its own message, or the line that names the error in Node.js' stack trace. */
function causeOf(error: unknown): string {
  const { stderr = "" } = error as { stderr?: string };
  if (stderr !== "" && !/^\s+at /m.test(stderr)) {
    return stderr.trimEnd();
  }
  const lines = stderr.split("\n").map((line) => line.trim());
  return lines.find((line) => /Error\b.*: /.test(line)) ?? lines.find((line) => line !== "") ?? String(error);
}
