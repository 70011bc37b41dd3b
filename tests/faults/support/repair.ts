import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../../lab/paths";
import { labPath } from "../../../lab/state";
import { pulumi, theLab } from "../../e2e/support/lab";

export const UP = ["up", "--yes", "--skip-preview"];

const STEPS = [
  ["cancel", "--yes"],
  ["refresh", "--yes", "--skip-preview", "--clear-pending-creates"],
  ["config", "set", "istio-gateway:adopt", "true"],
  UP,
  ["config", "rm", "istio-gateway:adopt"],
  UP,
  [...UP, "--expect-no-changes"],
];

/** As in docs/operations.md, "Recover from an interrupted update", for a backend in a folder. */
export async function repair(stack: string, backend = labPath("pulumi")): Promise<void> {
  const env = { PULUMI_BACKEND_URL: `file://${backend}` };
  /** Stops at the first step that finds a corrupt state, and returns its error. */
  const steps = async (): Promise<string | undefined> => {
    for (const step of STEPS) {
      const { code, stdout, stderr } = await pulumi(stack, step, env);
      if (stderr.includes("failed to load checkpoint")) {
        return stderr;
      }
      assert.equal(code, 0, `pulumi ${step.join(" ")}: ${stdout}${stderr}`);
    }
    return undefined;
  };
  if ((await steps()) !== undefined) {
    console.log("      restoring an intact state");
    await theLab().output(["sh", "-ec", documented("Put a whole state back", stack)], { cwd: backend });
    assert.equal(await steps(), undefined);
  }
}

/** The script of a section of docs/operations.md. */
function documented(section: string, stack: string): string {
  const text = readFileSync(join(REPOSITORY, "docs", "operations.md"), "utf8");
  const [, script = ""] = /```sh\n([\s\S]*?)```/.exec(text.slice(text.indexOf(`\n## ${section}\n`))) ?? [];
  assert.ok(script.includes("STACK"), `docs/operations.md has no script below "${section}"`);
  return script.replaceAll("STACK", stack);
}
