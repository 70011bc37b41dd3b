import { join } from "node:path";
import { REPOSITORY } from "../../../lab/paths";
import type { Row } from "../../../verify/row";
import { theLab, writeStack, type Values } from "./lab";

/** The rows of `npm run verify` on a stack. @param config Its values, or its file. */
export async function verified(stack: string, config: Values | string, ...more: string[]): Promise<Row[]> {
  const file = typeof config === "string" ? config : writeStack(stack, config);
  const main = join(REPOSITORY, "verify", "main.ts");
  const command = [process.execPath, "-r", "ts-node/register/transpile-only", main, "--stack", stack, "--json"];
  const { stdout } = await theLab().run([...command, "--config-file", file, ...more], {
    cwd: REPOSITORY,
  });
  return (JSON.parse(stdout) as { rows: Row[] }).rows;
}

/** Rows in words, for messages. */
export function words(rows: readonly Row[]): string {
  return rows.map(({ what, state, seen, cause = "" }) => `${state}: ${what}: ${seen}: ${cause}`).join("\n");
}
