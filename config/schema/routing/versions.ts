import { z } from "zod";
import { labelKey, labelValue, podPort } from "../fields";

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
  targetPort: podPort.optional().describe("Port of the pods, by number or name. Default: the service's port."),
});

export type Versions = z.output<typeof versionsSchema>;

/** What follows the service's name in the names of the two Services. */
export const VERSION_SUFFIXES = { stable: "-stable", canary: "-canary" } as const;

export type VersionName = keyof typeof VERSION_SUFFIXES;

/** Name of the Service that the program makes for a version. */
export function versionService(service: string, version: VersionName): string {
  return `${service}${VERSION_SUFFIXES[version]}`;
}
