import type { Change, Reach } from "./changes";

const REACHES: readonly Reach[] = ["gateway-wide", "opens to all", "removal"];

/** The changes of one stack as Markdown: those with a far reach are marked, and counted in the first line. */
export function reviewMarkdown(stack: string, found: readonly Change[]): string {
  const lines = found.map(
    ({ scope, text, reach }) => `- ${reach === undefined ? "" : "⚠️ "}**${scope}**: ${inline(text)}`,
  );
  return [`### ${stack}`, "", ...(lines.length === 0 ? ["No change."] : [summary(found), "", ...lines]), ""].join("\n");
}

/** `5 changes: 1 gateway-wide, 2 opens to all` */
function summary(found: readonly Change[]): string {
  const counts = REACHES.map((reach) => ({ reach, count: found.filter((change) => change.reach === reach).length }));
  const far = counts.filter(({ count }) => count > 0).map(({ reach, count }) => `${count} ${reach}`);
  return `${found.length} ${found.length === 1 ? "change" : "changes"}${far.length === 0 ? "" : `: ⚠️ ${far.join(", ")}`}.`;
}

/** Escapes text from a stack file, so that it cannot end a line or a table cell, or make a link. */
export function inline(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`);
}
