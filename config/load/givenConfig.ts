import type { KeyPath, Problem } from "../values/problem";

/** A stack's config as given: its keys without the project's namespace. */
export interface GivenConfig {
  readonly project: string;
  /** The project's folder, to which service files are relative. */
  readonly folder: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys that contain a Pulumi secret at any depth. */
  readonly secretKeys: ReadonlySet<string>;
  /** Where in them, as far as the stack's file says it. Default: not known. */
  readonly secretPaths?: readonly KeyPath[];
  /** What could not be read as it was meant; another problem of the same key is not reported then. */
  readonly problems?: readonly Problem[];
  /** Environments of Pulumi ESC that may set more, unread. */
  readonly environments?: readonly string[];
}

/** Keys that are plain text. All others are JSON text, as Pulumi writes and passes true, 1 and maps. */
const TEXT_KEYS: ReadonlySet<string> = new Set(["domain"]);

/** The value of a key given as text. What is not JSON stays text, for the schema to refuse. */
export function valueOfText(key: string, text: string): unknown {
  if (TEXT_KEYS.has(key)) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
