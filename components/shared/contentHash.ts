import { createHash } from "node:crypto";

/**
 * Ten hexadecimal digits for the name of an object that must be created anew when its content changes: Pulumi creates it before
 * what uses it changes, and deletes the old one afterwards.
 */
export function contentHash(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 10);
}
