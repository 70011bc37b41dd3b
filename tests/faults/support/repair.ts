import { pulumiOk } from "../../e2e/support/lab";

export const UP = ["up", "--yes", "--skip-preview"];

/** As docs/operations.md says it, "Recover from an interrupted update". */
export async function repair(stack: string): Promise<void> {
  await pulumiOk(stack, ["cancel", "--yes"]);
  await pulumiOk(stack, ["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]);
  await pulumiOk(stack, UP);
  await pulumiOk(stack, [...UP, "--expect-no-changes"]);
}
