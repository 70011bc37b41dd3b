/** What a key ends with in a range that has only that key. */
export const END = "\0";

/** What may come next in the keys of hosts and rules, in a fixed order. */
const ALPHABET = [END, ...Array.from(":*-._0123456789abcdefghijklmnopqrstuvwxyz")];

/** The keys that begin with one of these texts. */
export type Range = readonly string[];

/**
 * Divides keys into as few ranges as fit, of at most `most` bytes each. They are cut where the alphabet says, not where the keys are, so
 * that a further key changes nothing until its range is full. Every possible key is in one range.
 * @param sizes The size of each key with its value, in bytes. A single key may be larger than `most`.
 */
export function partition(sizes: ReadonlyMap<string, number>, most: number): Range[] {
  const sizeOf = (keys: readonly string[]) => keys.reduce((sum, key) => sum + (sizes.get(key) ?? 0), 0);
  const divided = (range: Range, keys: readonly string[]): Part[] => {
    const size = sizeOf(keys);
    if (keys.length < 2 || size <= most) {
      return [{ range, size }];
    }
    const next = range.length > 1 ? range : ALPHABET.map((character) => `${range[0] ?? ""}${character}`);
    const middle = Math.ceil(next.length / 2);
    return [next.slice(0, middle), next.slice(middle)].flatMap((half) =>
      divided(
        half,
        keys.filter((key) => isIn(half, key)),
      ),
    );
  };
  return divided([""], [...sizes.keys()])
    .reduce<Part[]>((parts, part) => {
      const before = parts.at(-1);
      return before !== undefined && before.size + part.size <= most
        ? [...parts.slice(0, -1), { range: [...before.range, ...part.range], size: before.size + part.size }]
        : [...parts, part];
    }, [])
    .map(({ range }) => range);
}

interface Part {
  readonly range: Range;
  readonly size: number;
}

export function isIn(range: Range, key: string): boolean {
  return range.some((prefix) => `${key}${END}`.startsWith(prefix));
}
