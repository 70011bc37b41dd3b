import { inline } from "./markdown";
import type { Preview } from "./preview";

/** Most differences listed per object. */
const MAX_DETAILS = 5;
/** Most objects listed: a comment's length is limited. */
const MAX_OBJECTS = 60;

/** A preview as Markdown, for a comment on a pull request. */
export function previewMarkdown(preview: Preview): string {
  if (preview.error !== undefined) {
    return [`### ${preview.stack}`, "", "❌ The config is wrong:", "", "```", preview.error, "```", ""].join("\n");
  }
  return [
    preview.review,
    ...sealed(preview),
    ...environments(preview),
    ...objects(preview),
    "",
    ...policies(preview),
    "",
  ].join("\n");
}

function sealed({ sealed: keys }: Preview): string[] {
  return keys.length === 0
    ? []
    : [`Encrypted, replaced by a placeholder: ${keys.map((key) => `\`${key}\``).join(", ")}.`, ""];
}

function environments({ environments: names }: Preview): string[] {
  return names.length === 0
    ? []
    : [`⚠️ Without what the environment ${names.map(inline).join(", ")} sets, which only Pulumi can read.`, ""];
}

const VERBS = { add: "➕", change: "✏️", remove: "➖" } as const;

function objects({ objects: found, notCompared = "", base }: Preview): string[] {
  if (found === undefined) {
    return [`❌ **Objects**: not compared, ${inline(notCompared)}`];
  }
  if (found.length === 0) {
    return [`**Objects**: the same as at ${base}.`];
  }
  const count = (action: keyof typeof VERBS) => found.filter((change) => change.action === action).length;
  const more = found.length - MAX_OBJECTS;
  return [
    `<details><summary><b>Objects</b>: ${count("add")} added, ${count("change")} changed, ${count("remove")} removed</summary>`,
    "",
    "| | object | what differs |",
    "| --- | --- | --- |",
    ...found
      .slice(0, MAX_OBJECTS)
      .map(({ action, object, details }) => `| ${VERBS[action]} | ${inline(object)} | ${cell(details)} |`),
    ...(more > 0 ? [`| | ${more} more | |`] : []),
    "",
    "</details>",
  ];
}

function cell(details: readonly string[]): string {
  const more = details.length - MAX_DETAILS;
  return [...details.slice(0, MAX_DETAILS).map(inline), ...(more > 0 ? [`${more} more`] : [])].join("<br>");
}

function policies({ findings }: Preview): string[] {
  return findings.length === 0
    ? ["**Policies**: none violated."]
    : [
        `**Policies**: ${findings.filter(({ level }) => level === "mandatory").length} violated, ${findings.filter(({ level }) => level === "advisory").length} warnings.`,
        "",
        ...findings.map(
          ({ level, policy, message }) => `- ${level === "mandatory" ? "❌" : "💡"} ${policy}: ${inline(message)}`,
        ),
      ];
}
