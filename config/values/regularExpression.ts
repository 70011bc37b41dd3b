/** Escapes that RE2 knows: classes, boundaries, control characters, code points, properties, quoted text, punctuation. */
const ESCAPE =
  /^\\(?:[AzbBCdDsSwWafnrtv]|x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|0[0-7]{0,2}|[pP](?:[A-Z]|\{\^?\w+\})|[ -/:-@[-^`{-~])/;

/** How a group may start: without capture, with flags, with a name. */
const GROUP = /^\(\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?:|^\(\?P?<[A-Za-z_]\w*>/;
const FLAGS = /^\(\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)\)/;
const REPEAT = /^\{([0-9]+)(?:(,)([0-9]*))?\}/;
/** RE2 repeats nothing more often. */
const MAX_REPEAT = 1000;

const RE2 = "a regular expression in RE2 syntax, without look-around or back-references";
const VALID = "a valid regular expression (RE2 syntax)";

/**
 * What is wrong with a regular expression. Envoy matches with RE2 (https://github.com/google/re2/wiki/Syntax), and rejects
 * every route of the gateway for one expression that RE2 does not take. What only RE2 knows is put in terms of JavaScript,
 * which then finds what is wrong with the rest.
 */
export function regularExpressionFlaw(source: string): string | undefined {
  let plain = "";
  let rest = source;
  let isClass = false;
  while (rest !== "") {
    const [token, same]: Step = isClass ? inClass(rest) : outside(rest);
    if (token === undefined) {
      return RE2;
    }
    isClass = same;
    plain += token.plain;
    rest = rest.slice(token.length);
  }
  try {
    new RegExp(plain);
    return undefined;
  } catch {
    return VALID;
  }
}

/** What a piece is in JavaScript, and how long it is. */
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
    // Flags match nothing by themselves, and cannot be repeated.
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
    // A bracket right at the start belongs to the class, and so does a dash.
    const open = /^\[\^?\]?-?/.exec(rest)?.[0] ?? "[";
    return [{ plain: open.replace("]", "\\]"), length: open.length }, true];
  }
  return [{ plain: rest.slice(0, 1), length: 1 }, false];
}

function inClass(rest: string): Step {
  if (/^-\\[dDsSwWpP]/.test(rest)) {
    // A class is no end of a range.
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
  // One character that means nothing else stands for those that JavaScript lacks or reads otherwise.
  return { plain: /^\\[AzCaxpP0]/.test(found) ? "\\w" : found, length: found.length };
}

/** A general category in its short form, or a script. */
function isProperty(name: string): boolean {
  try {
    new RegExp(name.length <= 2 ? `\\p{${name}}` : `\\p{Script=${name}}`, "u");
    return true;
  } catch {
    return false;
  }
}
