import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { review } from "../../review/review";

const FIVE = join(__dirname, "five");
const before = join(FIVE, "before.yaml");
const after = join(FIVE, "after.yaml");

describe("review/review", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "review-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (text: string) => {
    const path = join(folder, "Pulumi.shop.yaml");
    writeFileSync(path, text);
    return path;
  };

  it("puts five changes in words, as in the golden comment (UPDATE_GOLDEN=1 writes it)", () => {
    const { markdown, sound } = review("shop", "main", { before, after });
    const path = join(FIVE, "comment.md");
    if (process.env.UPDATE_GOLDEN === "1") {
      writeFileSync(path, markdown);
    }
    assert.equal(markdown, readFileSync(path, "utf8"));
    assert.equal(sound, true);
    const lines = markdown.split("\n").filter((line) => line.startsWith("- "));
    const named = [
      /\*\*gateway-wide\*\*: cipher list/,
      /orders.*canary 5 % → 20 %/,
      /logs.*removed/,
      /admin.*open to all/,
    ];
    assert.equal(lines.length, 5);
    for (const words of [...named, /grafana\*\*: new, open to all/]) {
      assert.equal(lines.filter((line) => words.test(line)).length, 1, String(words));
    }
  });

  it("reports that nothing changed, and that a stack is new", () => {
    assert.deepEqual(review("shop", "main", { before, after: before }), {
      markdown: "### shop\n\nNo change.\n",
      sound: true,
    });
    assert.deepEqual(review("shop", "main", { before: join(folder, "none.yaml"), after }), {
      markdown: "### shop\n\nA new stack: https://\\*.example.test, with 3 services.\n",
      sound: true,
    });
  });

  it("says in one line which config is wrong, and how", () => {
    const text = readFileSync(before, "utf8");
    const wrong = write(text.replace("percent: 5", "percent: 500").replace("port: 9428", "port: 0"));
    const mistakes =
      "istio-gateway:services\\[0\\].canary.percent (orders): 500, expected a percentage from 0 to 100, without decimals; istio-gateway:services\\[1\\].port (logs): 0, expected a port from 1 to 65535";
    assert.deepEqual(review("shop", "main", { before, after: wrong }), {
      markdown: `### shop\n\nNot compared, the config is wrong: ${mistakes}\n`,
      sound: false,
    });
    assert.deepEqual(review("shop", "main", { before: wrong, after }), {
      markdown: `### shop\n\nNot compared, the config at main is wrong: ${mistakes}\n`,
      sound: true,
    });
    assert.match(
      review("shop", "main", { before, after: write("config: [") }).markdown,
      /^### shop\n\nNot compared, the config is wrong: cannot read the stack file Pulumi\.shop\.yaml: [^\n]+\n$/,
    );
  });
});
