/** A path without slashes at its end: `/api/` and `/api` are the same prefix, and `/` is empty. */
export function bare(path: string): string {
  return path.replace(/\/+$/, "");
}
