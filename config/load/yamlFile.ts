import { readFileSync } from "node:fs";
import {
  type Alias,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { plainScalar } from "../values/plainScalar";

/**
 * Reads YAML to the values that Pulumi's CLI reads with Go's yaml.v3, or refuses what the two would read otherwise. The CLI also
 * writes a stack file anew before it takes the values, which loses some texts. tests/contract/yaml.test.ts compares the two.
 */

/** A part of a YAML file that is not read, where it is, and what to write instead. */
export interface Misread {
  readonly path: readonly (string | number)[];
  readonly text: string;
  /** A phrase that completes "expected …". */
  readonly expected: string;
}

export interface YamlContent {
  /** Undefined if the file is empty. What is misread is its own text. */
  readonly value: unknown;
  readonly misreads: readonly Misread[];
}

/** Whether so many nodes that come from aliases, of so many nodes in all, are a bomb. */
export type Bound = (aliased: number, all: number) => boolean;

/** The bound of Pulumi's CLI. https://github.com/go-yaml/yaml/blob/v3.0.1/decode.go */
export const PULUMIS_BOUND: Bound = (aliased, all) => {
  const excess = Math.min(Math.max((all - 400_000) / 3_600_000, 0), 1);
  return aliased > 100 && all > 1000 && aliased / all > 0.99 - 0.89 * excess;
};

/** The bound of files that Pulumi does not read: well above 1,000 services that share a list of 256 blocks. */
export const OWN_BOUND: Bound = (aliased) => aliased > 1_000_000;

/** @throws Error in one line, if the file cannot be read or is not YAML. */
export function readYamlFile(path: string, bound: Bound): YamlContent {
  const bytes = readFileSync(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error("it is not UTF-8", { cause: error });
  }
  return readYaml(text, bound);
}

/** @throws Error in one line, if the text is not YAML. */
export function readYaml(text: string, bound: Bound): YamlContent {
  refuseStrangeText(text);
  // A schema without types: each scalar is its text. Without "silent" a second document is an error.
  const document = parseDocument(text, { schema: "failsafe", logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) {
    const isSecond = error.code === "MULTIPLE_DOCS";
    throw new Error(isSecond ? "it has a second document after ---" : error.message.split("\n")[0]);
  }
  const { contents } = document;
  return contents === null ? { value: undefined, misreads: [] } : new Reader(text, bound, contents).read();
}

/** What Go does not take, or takes for the end of a line where YAML 1.2 does not. */
const STRANGE = /[^\t\r\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]|\r(?!\n)/u;

function refuseStrangeText(text: string): void {
  const lineOf = (index: number) => text.slice(0, index).split("\n").length;
  const strange = STRANGE.exec(text);
  if (strange !== null) {
    const code = (strange[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new Error(`line ${lineOf(strange.index)} has the character U+${code}: escape it, in double quotes`);
  }
  const tab = /^ *\t/m.exec(text);
  if (tab !== null) {
    throw new Error(`line ${lineOf(tab.index)} starts with a tab: write spaces`);
  }
}

/** What Go takes for the name of an anchor. */
const ANCHOR = /^[\w-]+$/;

/** Escapes in double quotes that Go does not know, or reads otherwise. */
const STRANGE_ESCAPE = /(?<!\\)(?:\\\\)*\\(?:\/|\r?\n[ \t]*\r?\n)/;

type Path = readonly (string | number)[];

class Reader {
  private readonly misreads: Misread[] = [];
  /** What each alias stands for: the last node before it that has the anchor. */
  private readonly targets = new Map<Alias, Node>();
  /** Scalars in brackets or braces that Go takes for something else, such as `[::1]`. */
  private readonly strange = new Set<Scalar>();
  /** Aliases that are being followed. */
  private readonly open = new Set<Alias>();
  private aliased = 0;
  private all = 0;

  constructor(
    private readonly text: string,
    private readonly bound: Bound,
    private readonly root: Node,
  ) {}

  read(): YamlContent {
    this.link();
    return { value: this.value(this.root, []), misreads: this.misreads };
  }

  private link(): void {
    const anchors = new Map<string, Node>();
    visit(this.root, {
      Alias: (_, alias) => {
        const target = anchors.get(alias.source);
        if (target === undefined) {
          throw new Error(`there is no anchor &${alias.source} before *${alias.source}`);
        }
        this.targets.set(alias, target);
      },
      Value: (_, node, ancestors) => {
        if (node.anchor !== undefined) {
          if (!ANCHOR.test(node.anchor)) {
            throw new Error(`the anchor &${node.anchor} has other characters than letters, digits, - and _`);
          }
          anchors.set(node.anchor, node);
        }
        const isInFlow = ancestors.some((ancestor) => isCollection(ancestor) && ancestor.flow === true);
        if (isInFlow && isScalar(node) && node.type === "PLAIN" && node.range) {
          const [start, end] = node.range;
          const isKey = /^\s*:[,[\]{}]/.test(this.text.slice(end, end + 80));
          if (isKey || /^:|\?/.test(this.text.slice(start, end))) {
            this.strange.add(node);
          }
        }
      },
    });
  }

  private value(node: unknown, path: Path): unknown {
    this.count();
    if (isAlias(node)) {
      return this.follow(node, (target) => this.value(target, path));
    }
    if (isScalar(node)) {
      return this.scalar(node, path);
    }
    if (isSeq(node)) {
      this.refuseTag(node, path);
      return node.items.map((item, index) => this.value(item, [...path, index]));
    }
    if (isMap(node)) {
      this.refuseTag(node, path);
      const entries = new Map<string, unknown>();
      this.addEntries(entries, node, path, false);
      // Not by assignment, which would take the key __proto__ for the prototype.
      return Object.fromEntries(entries);
    }
    return null;
  }

  /** Counts as Go does, which decodes an anchor's node again for each of its aliases. */
  private count(): void {
    this.all++;
    if (this.open.size > 0) {
      this.aliased++;
    }
    if (this.bound(this.aliased, this.all)) {
      throw new Error("its aliases repeat too much: write fewer of them, or less behind their anchors");
    }
  }

  private follow<T>(alias: Alias, read: (target: Node | undefined) => T): T {
    if (this.open.has(alias)) {
      throw new Error(`the anchor &${alias.source} contains itself`);
    }
    this.open.add(alias);
    const value = read(this.targets.get(alias));
    this.open.delete(alias);
    return value;
  }

  /** Adds a map's entries, then those that it merges, unless they are there already. */
  private addEntries(entries: Map<string, unknown>, node: YAMLMap, path: Path, isMerged: boolean): void {
    for (const { key, value } of node.items) {
      if (!isMergeKey(key)) {
        const name = this.key(key, path);
        if (!isMerged || !entries.has(name)) {
          entries.set(name, this.value(value, [...path, name]));
        }
      }
    }
    const { key: mergeKey, value: merge } = node.items.find(({ key }) => isMergeKey(key)) ?? {};
    if (isScalar(mergeKey)) {
      this.refuseStrange(mergeKey, [...path, "<<"]);
      if (!isMerged) {
        // Go decodes the keys once more.
        node.items.forEach(() => this.count());
      }
      for (const source of isSeq(merge) ? merge.items : [merge]) {
        this.count();
        this.merge(entries, source, path);
      }
    }
  }

  private merge(entries: Map<string, unknown>, source: unknown, path: Path): void {
    if (isAlias(source)) {
      this.follow(source, (target) => {
        this.count();
        if (!isAlias(target)) {
          this.merge(entries, target, path);
        }
      });
    } else if (isMap(source)) {
      this.refuseTag(source, [...path, "<<"]);
      this.addEntries(entries, source, path, true);
    } else {
      this.refuse([...path, "<<"], isScalar(source) ? String(source.value) : "", "a map, or a list of maps");
    }
  }

  private key(key: unknown, path: Path): string {
    this.count();
    if (!isScalar(key)) {
      return this.refuse(path, String(key), "a key that is a text");
    }
    const name = String(key.value);
    const at = [...path, name];
    if (/[\r\n\u0085\u2028\u2029]/.test(name)) {
      return this.refuse(at, name, "a key of one line");
    }
    return name === "<<" || this.scalar(key, at) !== name ? this.refuse(at, name, "a key in quotes") : name;
  }

  private scalar(node: Scalar, path: Path): unknown {
    const { type, tag, range } = node;
    const text = String(node.value);
    const given = this.text.slice(range?.[0], range?.[1]);
    const isBlock = type?.startsWith("BLOCK") === true;
    if (this.refuseStrange(node, path)) {
      return text;
    }
    if (/^\s/.test(text) && (isBlock || text.includes("\n"))) {
      return this.refuse(path, text, "lines of text, the first without white space in front, which Pulumi loses");
    }
    if (isBlock && /^.[-+]?\d/.test(given)) {
      return this.refuse(path, given.split("\n")[0] ?? "", "no digit after | or >");
    }
    if (type === "QUOTE_DOUBLE" && STRANGE_ESCAPE.test(given)) {
      return this.refuse(path, text, "a text without \\/, and without an empty line after a line that ends in \\");
    }
    if (tag !== undefined && (tag !== "tag:yaml.org,2002:str" || given === "")) {
      return this.refuse(path, text, "no tag: put it in quotes if it is a text");
    }
    if (tag !== undefined || (type !== "PLAIN" && type !== undefined)) {
      return text;
    }
    const plain = plainScalar(text);
    return "value" in plain ? plain.value : this.refuse(path, text, plain.expected);
  }

  private refuseStrange(node: Scalar, path: Path): boolean {
    if (this.strange.has(node)) {
      const expected =
        "a text in quotes, and a space after a colon: within [] or {}, both : and ? may mean something else";
      this.refuse(path, String(node.value), expected);
      return true;
    }
    return false;
  }

  private refuseTag({ tag }: { tag?: string }, path: Path): void {
    if (tag !== undefined) {
      this.refuse(path, tag, "no tag");
    }
  }

  private refuse(path: Path, text: string, expected: string): string {
    this.misreads.push({ path, text, expected });
    return text;
  }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === "<<" && key.type === "PLAIN" && key.tag === undefined;
}
