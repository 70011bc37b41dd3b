/** A stack's config as given: its keys without the project's namespace. */
export interface GivenConfig {
  readonly project: string;
  /** Where the project lies: its service files are below. */
  readonly folder: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys that hold a Pulumi secret anywhere inside. Their values are never shown. */
  readonly secretKeys: ReadonlySet<string>;
}

/** Keys that hold plain text; the text of every other key is JSON: so Pulumi writes and hands over true, 1 and maps. */
const TEXT_KEYS: ReadonlySet<string> = new Set(["domain"]);

/** The value of a key that is given as text. What is not JSON is left as text, for the schema to refuse. */
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
