/** Runs a command to its end. What it throws is told in one line, without a stack trace, and makes it end with 1. */
export async function command(body: () => void | Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
