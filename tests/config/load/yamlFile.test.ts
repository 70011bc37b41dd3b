import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWN_BOUND, PULUMIS_BOUND, readYaml, readYamlFile } from "../../../config/load/yamlFile";
import { READ, REFUSED } from "../../support/yamlCases";

const read = (source: string) => readYaml(`a:\n  b: ${source}\n`, PULUMIS_BOUND);
const fails = (text: string, message: RegExp) => assert.throws(() => readYaml(text, PULUMIS_BOUND), message);

describe("config/yamlFile", () => {
  for (const [source, value] of READ) {
    it(`reads ${JSON.stringify(source)}`, () => {
      assert.deepEqual(read(source), { value: { a: { b: value } }, misreads: [] });
    });
  }

  for (const [source] of REFUSED) {
    it(`refuses ${JSON.stringify(source)}`, () => {
      const [misread, ...more] = read(source).misreads;
      assert.deepEqual(misread?.path.slice(0, 2), ["a", "b"]);
      assert.ok(misread.expected.length > 0);
      assert.deepEqual(more, []);
    });
  }

  it("says where, what and how to write it", () => {
    assert.deepEqual(readYaml("a: &x [{ b: 010 }]\nc:\n  - *x\n", PULUMIS_BOUND).misreads[1], {
      path: ["c", 0, 0, "b"],
      text: "010",
      expected: "a text or a decimal number: put it in quotes if it is a text, since it is read as a number too",
    });
  });

  it("reads an empty file, with Windows' ends of lines and a byte order mark too", () => {
    const folder = mkdtempSync(join(tmpdir(), "yaml-"));
    const path = join(folder, "a.yaml");
    try {
      for (const [text, value] of [
        ["", undefined],
        ["# nothing\n", undefined],
        ["\ufeffa: 1\r\nb: |\r\n  c\r\n  d\r\n", { a: 1, b: "c\nd\n" }],
      ] as const) {
        writeFileSync(path, text);
        assert.deepEqual(readYamlFile(path, PULUMIS_BOUND), { value, misreads: [] });
      }
      writeFileSync(path, Buffer.from([0x61, 0x3a, 0xff]));
      assert.throws(() => readYamlFile(path, PULUMIS_BOUND), /^Error: it is not UTF-8$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses what is no YAML to both", () => {
    fails("a: [\n", /^Error: [^\n]+$/);
    fails("a: 1\na: 2\n", /unique/);
    fails("a: 1\n---\nb: 2\n", /it has a second document after ---/);
    fails("a: *b\n", /there is no anchor &b before \*b/);
    fails("a: &b [*b]\n", /the anchor &b contains itself/);
    fails("a: &b? 1\n", /the anchor &b\? has other characters/);
    fails("a:\n\tb: 1\n", /line 2 starts with a tab/);
    fails("a: 1\nb: \u2028\n", /line 2 has the character U\+2028/);
    fails("a: \u0007\n", /line 1 has the character U\+0007/);
    fails("a: 1\rb: 2\n", /line 1 has the character U\+000D/);
  });

  const repeated = (times: number) =>
    `x: &x [${"a, ".repeat(9)}]\nc:\n${Array.from({ length: times }, () => "  - { name: n, allow: *x }\n").join("")}`;

  it("takes an anchor that is used a thousand times", () => {
    const { value } = readYaml(repeated(1000), PULUMIS_BOUND);
    assert.equal((value as { c: unknown[] }).c.length, 1000);
  });

  it("refuses aliases where Pulumi does, and in other files only a bomb", () => {
    const list = (aliases: number) => `a: &a [${"x, ".repeat(2000)}]\nb: [${"*a, ".repeat(aliases)}]\n`;
    assert.doesNotThrow(() => readYaml(list(40), PULUMIS_BOUND));
    fails(list(200), /its aliases repeat too much/);
    assert.doesNotThrow(() => readYaml(list(200), OWN_BOUND));
    const levels = ["b", "c", "d", "e", "f", "g"].map(
      (name, index) => `${name}: &${name} [${`*${"abcdef"[index]}, `.repeat(10)}]\n`,
    );
    const bomb = `a: &a [${"x, ".repeat(10)}]\n${levels.join("")}`;
    fails(bomb, /its aliases repeat too much/);
    assert.throws(() => readYaml(bomb, OWN_BOUND), /its aliases repeat too much/);
  });
});
