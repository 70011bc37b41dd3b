/** Escapes that RE2 supports: classes, boundaries, control characters, code points, properties, punctuation. */
const ESCAPE =
  /^\\(?:[AzbBCdDsSwWafnrtv]|x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|0[0-7]{0,2}|[pP](?:[A-Z]|\{\^?\w+\})|[ -/:-@[-^`{-~])/;

/** How a group may start: non-capturing, with flags, or named. */
const GROUP = /^\(\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?:|^\(\?P?<[A-Za-z_]\w*>/;
const FLAGS = /^\(\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)\)/;
const REPEAT = /^\{([0-9]+)(?:(,)([0-9]*))?\}/;
/** RE2's highest repetition count. */
const MAX_REPEAT = 1000;

const RE2 = "a regular expression in RE2 syntax, without look-around or back-references";
const VALID = "a valid regular expression (RE2 syntax)";

/**
 * What is wrong with a regular expression. Envoy matches with RE2 (https://github.com/google/re2/wiki/Syntax), and rejects all
 * routes of the gateway because of one invalid expression. RE2's own syntax is translated to JavaScript's, which then finds any
 * other mistake.
 */
export function regularExpressionFlaw(source: string): string | undefined {
  const plain = translated(source);
  return plain === undefined ? RE2 : compiled(plain) === undefined ? VALID : undefined;
}

/** How many groups a valid expression has, named ones included. */
export function groupCount(source: string): number {
  // The empty alternative matches, and the result has an entry for each group.
  const groups = compiled(`${translated(source)}|`)?.exec("")?.length ?? 1;
  return groups - 1;
}

function compiled(plain: string): RegExp | undefined {
  try {
    return new RegExp(plain);
  } catch {
    return undefined;
  }
}

/** The same in JavaScript's syntax, with the same groups; undefined where RE2 knows no such token. */
function translated(source: string): string | undefined {
  let plain = "";
  let rest = source;
  let isClass = false;
  while (rest !== "") {
    const [token, same]: Step = isClass ? inClass(rest) : outside(rest);
    if (token === undefined) {
      return undefined;
    }
    isClass = same;
    plain += token.plain;
    rest = rest.slice(token.length);
  }
  return plain;
}

/** A piece of the source: its JavaScript equivalent, and its length. */
interface Token {
  readonly plain: string;
  readonly length: number;
}

type Step = readonly [token: Token | undefined, isClass: boolean];

function outside(rest: string): Step {
  if (rest.startsWith("\\")) {
    return [escape(rest), false];
  }
  if (rest.startsWith("(?")) {
    const flags = FLAGS.exec(rest)?.[0];
    const group = GROUP.exec(rest)?.[0];
    const name = /^\(\?P?(<\w+>)$/.exec(group ?? "")?.[1];
    const opening = name === undefined ? "(?:" : `(?${name}`;
    // Flags on their own match nothing, and cannot be repeated.
    const token =
      flags === undefined ? group && { plain: opening, length: group.length } : { plain: "", length: flags.length };
    return [token === "" ? undefined : token, false];
  }
  const [repeat, least = "0", , most = ""] = REPEAT.exec(rest) ?? [];
  if (repeat !== undefined) {
    const fits = Number(least) <= MAX_REPEAT && Number(most) <= MAX_REPEAT;
    return [fits ? { plain: repeat, length: repeat.length } : undefined, false];
  }
  if (rest.startsWith("[")) {
    // A leading bracket belongs to the class, and so does a leading dash.
    const open = /^\[\^?\]?-?/.exec(rest)?.[0] ?? "[";
    return [{ plain: open.replace("]", "\\]"), length: open.length }, true];
  }
  return [{ plain: rest.slice(0, 1), length: 1 }, false];
}

function inClass(rest: string): Step {
  if (/^-\\[dDsSwWpP]/.test(rest)) {
    // A class cannot end a range.
    return [undefined, true];
  }
  if (rest.startsWith("\\")) {
    return [/^\\[AzBCb]/.test(rest) ? undefined : escape(rest), true];
  }
  const named = /^\[:\^?[a-z]+:\]/.exec(rest)?.[0];
  if (named !== undefined) {
    return [NAMED.test(named) ? { plain: "\\w", length: named.length } : undefined, true];
  }
  return [{ plain: rest.startsWith("[") ? "\\[" : rest.slice(0, 1), length: 1 }, !rest.startsWith("]")];
}

const NAMED = /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]$/;

function escape(rest: string): Token | undefined {
  const found = ESCAPE.exec(rest)?.[0];
  const property = /^\\[pP]\{?\^?(\w+)/.exec(found ?? "")?.[1];
  if (found === undefined || (property !== undefined && !isProperty(property))) {
    return undefined;
  }
  // Escapes that JavaScript lacks or reads differently are replaced by one neutral token.
  return { plain: /^\\[AzCaxpP0]/.test(found) ? "\\w" : found, length: found.length };
}

/** A general category by its short name, or a script. */
function isProperty(name: string): boolean {
  try {
    new RegExp(name.length <= 2 ? `\\p{${name}}` : `\\p{Script=${name}}`, "u");
    return true;
  } catch {
    return false;
  }
}

/** The characters that each match of an expression begins with; empty if that is not certain. */
export function literalHead(source: string): string {
  const literal = /^[^\\.*+?()[\]{}|^$]*/.exec(source)?.[0] ?? "";
  // A repetition may leave out the last character, and an alternative all of them.
  const isRepeated = /^[*?{]/.test(source.slice(literal.length));
  return hasAlternatives(source) ? "" : isRepeated ? literal.slice(0, -1) : literal;
}

/** Whether an expression consists of alternatives, outside any group. */
function hasAlternatives(source: string): boolean {
  let plain = source.replace(/\\./g, "").replace(/\[\^?\]?(?:\[:[^\]]*:\]|[^\]])*\]/g, "");
  for (let outer = ""; outer !== plain;) {
    outer = plain;
    plain = outer.replace(/\([^()]*\)/g, "");
  }
  return plain.includes("|");
}

/** Whether an expression is a head and then anything, such as `/api/.*`, and so matches every path that another one can match. */
export function matchesAllBelow(outer: string, inner: string): boolean {
  const head = /^\^?([^\\.*+?()[\]{}|^$]*)(?:\.\*|\(\.\*\))\$?$/.exec(outer)?.[1];
  return head === "" || head === "/" || (head !== undefined && literalHead(inner).startsWith(head));
}
