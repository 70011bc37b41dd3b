import { z } from "zod";
import { port } from "../fields";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
const labelKey = z
  .string("a label's key")
  .regex(
    new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${NAME}$`),
    "a label's key, such as app or example.com/app",
  );
const labelValue = z
  .string("a label's value")
  .regex(new RegExp(`^${NAME}$`), "a label's value: 1 to 63 of letters, digits, '-', '_' and '.', not at the ends");

/** Versions told apart by a label on their pods. The program makes a Service for each: NAME-stable and NAME-canary. */
export const versionsSchema = z.strictObject({
  selector: z
    .record(labelKey, labelValue, "a map of labels")
    .refine(
      (labels) => Object.keys(labels).length > 0,
      "at least one label: the version label alone would select too many pods",
    )
    .describe("Labels that the pods of both versions have."),
  label: labelKey.default("version").describe("Label that tells the versions apart."),
  stable: labelValue.default("stable").describe("That label's value on stable pods."),
  canary: labelValue.default("canary").describe("That label's value on canary pods."),
  targetPort: port.optional().describe("Port of the pods. Default: the service's port."),
});

export type Versions = z.output<typeof versionsSchema>;

/** What follows the service's name in the names of the two Services. */
export const VERSION_SUFFIXES = { stable: "-stable", canary: "-canary" } as const;

export type VersionName = keyof typeof VERSION_SUFFIXES;

/** Name of the Service that the program makes for a version. */
export function versionService(service: string, version: VersionName): string {
  return `${service}${VERSION_SUFFIXES[version]}`;
}
