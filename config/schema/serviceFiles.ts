import { z } from "zod";

/** Files that hold more services, for lists that grow: one for each team, say. */
export const serviceFilesSchema = z
  .array(
    z
      .string("a path below the project's folder, such as services/shop.yaml")
      .regex(
        /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.@-]+(\/[\w.@-]+)*\.ya?ml$/,
        "a path of a .yaml file below the project's folder, such as services/shop.yaml",
      ),
    "a list of paths",
  )
  .min(1, "at least one path")
  .max(256, "at most 256 paths")
  .refine((paths) => new Set(paths).size === paths.length, "each path once")
  .describe(
    "Files with more services, one YAML list each, below the project's folder: for several teams, or for long lists. Linux starts no program with more than 128 KiB of config, about 500 short services.",
  );
