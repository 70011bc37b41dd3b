/** Runs a command to completion. An error is printed as one line without a stack trace, with exit code 1. */
export async function command(body: () => void | Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
