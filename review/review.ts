import { existsSync } from "node:fs";
import type { StackConfig } from "../config";
import { httpsUrl } from "../config/resolve/protocols";
import { ConfigError, formatProblem } from "../config/values/problem";
import { loadStackFile } from "../config/load/stackFile";
import { changes } from "./changes";
import { inline, reviewMarkdown } from "./markdown";

/** Paths of a stack file; the project file and service files are in the same folder. */
export interface StackFiles {
  /** At the base; if it is missing, the stack is new. */
  readonly before: string;
  readonly after: string;
}

export interface Review {
  readonly markdown: string;
  /** Whether the new config is valid. */
  readonly sound: boolean;
}

/** What changed in a stack, in words; if a config is wrong, one line that says which and why. */
export function review(stack: string, base: string, { before, after }: StackFiles): Review {
  const next = load(after);
  if (typeof next === "string") {
    return { markdown: section(stack, `Not compared, the config is wrong: ${inline(next)}`), sound: false };
  }
  if (!existsSync(before)) {
    const { listeners, services } = next;
    const count = services.length === 1 ? "1 service" : `${services.length} services`;
    return {
      markdown: section(
        stack,
        `A new stack: ${listeners.map(({ hostname = "*", port }) => httpsUrl(inline(hostname), port)).join(", ")}, with ${count}.`,
      ),
      sound: true,
    };
  }
  const old = load(before);
  return typeof old === "string"
    ? { markdown: section(stack, `Not compared, the config at ${base} is wrong: ${inline(old)}`), sound: true }
    : { markdown: reviewMarkdown(stack, changes(old, next)), sound: true };
}

/** The config, or what is wrong with it in one line. */
function load(path: string): StackConfig | string {
  try {
    return loadStackFile(path);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.map((problem) => formatProblem(error.project, problem)).join("; ");
    }
    return error instanceof Error ? error.message : String(error);
  }
}

function section(stack: string, line: string): string {
  return `### ${stack}\n\n${line}\n`;
}
