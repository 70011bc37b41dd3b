/** Logs an error in one line. */
export function report(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
}
