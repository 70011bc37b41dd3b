/**
 * The value of a YAML scalar without quotes, as Go's yaml.v3 reads it, with which Pulumi's CLI reads a stack file. What YAML 1.2
 * reads otherwise is refused, but for `1_000`, which nobody means as a text.
 * https://github.com/go-yaml/yaml/blob/v3.0.1/resolve.go
 */
export function plainScalar(source: string): { value: string | number | boolean | null } | { expected: string } {
  const constant = CONSTANTS.get(source);
  if (constant !== undefined) {
    return { value: constant };
  }
  if (DATE.test(source)) {
    return { expected: "a text: put it in quotes, or Pulumi makes a date and a time of it" };
  }
  if (NUMBER.test(source)) {
    const value = Number(source.replaceAll("_", ""));
    if (Number.isSafeInteger(value) || (/[.e]/i.test(source) && Number.isFinite(value))) {
      // Of -0 Go makes 0.
      return { value: value + 0 };
    }
  } else if (!/^[-+.\d]/.test(source) || !PERHAPS_NUMBER.test(source.replaceAll("_", ""))) {
    return { value: source };
  }
  return { expected: "a text or a decimal number: put it in quotes if it is a text, since it is read as a number too" };
}

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
]);

/** Numbers that are the same to both, and `1_000`. Not 010, which Go takes for 8. */
const NUMBER =
  /^(?:0x[\da-fA-F]+|0o[0-7]+|[-+]?(?!0\d+$)(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?[1-9]\d{0,2}(?:_\d{3})+)$/;

/** At least what Go reads as a number besides, which leaves out underscores. */
const PERHAPS_NUMBER = /^[-+]?(?:0x[\da-f]+|0[bo][-+]?\d+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|\.inf)$|^\.nan$/i;

/** At least what Go reads as a date. */
const DATE = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]|$)/;
