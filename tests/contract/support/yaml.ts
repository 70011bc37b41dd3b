import fc from "fast-check";

/** Anchors that drawn values refer to. */
export const SHARED = `shared:
  - &text some text
  - &number 1_000
  - &list [a, 10.0.0.0/8, 0x1f]
  - &map { a: 1, b: { c: d }, on: yes }
  - &merged { <<: *map, a: 2, e: *list }
`;

/** Whole scalars, and pieces of scalars, that readers of YAML do not agree on. */
const WORDS = [
  ..."0 7 08 010 -0 +1 1_000 1_0 0x1F 0o17 0b1 0X1 1.0 1. .5 -.5e3 1e3 1E400 .inf -.Inf .nan 9007199254740993".split(
    " ",
  ),
  ..."18446744073709551616 1:30 190:20:30 true True TRUE tRue yes No on OFF y n null Null ~ nil <<".split(" "),
  ..."2022-11-28 2022-1-2 2022-13-45 2022-11-28T10:00:00Z 2022-11-28-preview 12:30:00 1.2.3 10.0.0.0/8".split(" "),
  ..."::1 2001:db8:: 30s 64Ki a b_c = - --- @a %b a#b x:y *text *list *map *merged *number !!str !!int".split(" "),
  ...[
    "2022-11-28 10:00:00",
    "two words",
    "",
    "a: b",
    "a #b",
    "- a",
    "é",
    "😀",
    "\u00a0",
    "!!str 5",
    "!!binary aGk=",
    "! 5",
  ],
];
const PIECES = [
  ...Array.from("0123456789xob_eE.:-+TZ aftn~<>=/\\#&*!|?%@\"'[]{},"),
  ...["\\n", "\\t", "\\x01", "\\u2028", "\\\\", "_", "0", ".", "-"],
];

const word = fc.constantFrom(...WORDS);
const pieces = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
const text = fc.array(fc.oneof(word, pieces, fc.constantFrom("\n", " ", "\t", "\r", "\u0007", "\ufeff")), {
  maxLength: 4,
});
const plain = fc.oneof({ weight: 3, arbitrary: word }, pieces);
const doubleQuoted = fc.oneof(
  text.map((parts) => JSON.stringify(parts.join(""))),
  pieces.map((part) => `"${part.replaceAll('"', "")}"`),
);
const singleQuoted = text.map(
  (parts) =>
    `'${parts
      .join("")
      .replaceAll(/[^ -~]/g, " ")
      .replaceAll("'", "''")}'`,
);
const scalar = fc.oneof({ weight: 3, arbitrary: plain }, doubleQuoted, singleQuoted);
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "b", "c", "x-api-version", "on") },
  fc.oneof(plain, doubleQuoted),
);

const { flow } = fc.letrec<{ flow: string }>((tie) => ({
  flow: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("flow"), { maxLength: 4 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(key, fc.constantFrom(": ", ":"), tie("flow")), { maxLength: 3 })
      .map((entries) => `{${entries.map((entry) => entry.join("")).join(", ")}}`),
  ),
}));

type Block = (indent: string) => string;

const blockScalar = fc
  .tuple(
    fc.constantFrom("|", ">", "|-", ">-", "|+", ">+", "|2", ">1"),
    fc.array(fc.oneof(word, pieces, fc.constantFrom("", "  more", " ")), { minLength: 1, maxLength: 4 }),
  )
  .map(
    ([header, lines]): Block =>
      (indent) =>
        ` ${header}\n${lines.map((line) => `${indent}  ${line}\n`).join("")}`,
  );
const merge = fc.constantFrom("*map", "*merged", "[*map, { z: 1 }]", "{ a: 9, <<: *merged }", "*list");

/** What follows the colon after a key, or the dash of a list, to the end of its last line. */
const { block } = fc.letrec<{ block: Block }>((tie) => ({
  block: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    flow.map(
      (given): Block =>
        () =>
          ` ${given}\n`,
    ),
    blockScalar,
    fc.array(tie("block"), { minLength: 1, maxLength: 3 }).map(
      (items): Block =>
        (indent) =>
          `\n${items.map((item) => `${indent}  -${item(`${indent}  `)}`).join("")}`,
    ),
    fc.tuple(fc.array(fc.tuple(key, tie("block")), { minLength: 1, maxLength: 3 }), fc.option(merge)).map(
      ([entries, merged]): Block =>
        (indent) =>
          `\n${merged === null ? "" : `${indent}  <<: ${merged}\n`}${entries
            .map(([name, entry]) => `${indent}  ${name}:${entry(`${indent}  `)}`)
            .join("")}`,
    ),
  ),
}));

/** A value as a key of the config that is still to be named. */
export const value = block.map((source) => (name: string) => `  ${name}:${source("  ")}`);
