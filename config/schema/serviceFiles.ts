import { yamlFiles } from "./fields";

/** Files that hold more services, for lists that grow: one for each team, say. */
export const serviceFilesSchema = yamlFiles.describe(
  "Files with more services, one YAML list each, below the project's folder: for several teams, or for long lists. Linux starts no program with more than 128 KiB of config, about 500 short services.",
);
