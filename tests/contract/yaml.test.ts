import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { givenConfig } from "../../config/load/pulumiConfig";
import { readStackFile } from "../../config/load/stackFile";
import { PROJECT } from "../../config/values/project";
import { output } from "../../lab/processes";
import { parameters } from "../fuzz/support/runs";
import { READ, REFUSED } from "../support/yamlCases";
import { theProviders } from "./support/suite";
import { SHARED, value } from "./support/yaml";

/** What the review, the preview and the verification read of a stack file must be what Pulumi passes to the program. */
describe("yaml", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gateway-yaml-"));
    writeFileSync(join(folder, "Pulumi.yaml"), `name: ${PROJECT}\nruntime: nodejs\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (stack: string) => join(folder, `Pulumi.${stack}.yaml`);
  const pulumi = (...args: string[]) =>
    output(theProviders().tools.programs.pulumi, ["-C", folder, "--non-interactive", ...args], {
      env: {
        ...process.env,
        PULUMI_HOME: join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "yaml",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    });
  const init = async (stack: string, text: string) => {
    writeFileSync(file(stack), "");
    await pulumi("stack", "init", stack);
    writeFileSync(file(stack), text);
  };
  /** The config as the program gets it. */
  const pulumis = async (stack: string): Promise<Readonly<Record<string, unknown>>> => {
    const said = await pulumi("config", "--json", "--show-secrets", "--stack", stack);
    const texts = Object.entries(JSON.parse(said) as Record<string, { value: string }>).map(
      ([key, { value: text }]) => [key, text] as const,
    );
    return givenConfig(PROJECT, Object.fromEntries(texts), folder).values;
  };
  const keys = (sources: readonly string[]) =>
    sources.map((source, index) => `  key${index}:\n    in: ${source}\n`).join("");

  it("reads each kind of value as Pulumi does", async () => {
    await init("kinds", `config:\n${keys(READ.map(([source]) => source))}`);
    const expected = Object.fromEntries(READ.map(([, it], index) => [`key${index}`, { in: it }]));
    assert.deepEqual(await pulumis("kinds"), expected);
    assert.deepEqual(readStackFile(file("kinds")).values, expected);
  });

  it("refuses what Pulumi makes something else of", async () => {
    const read = REFUSED.filter(([, it]) => it !== undefined);
    await init("refused", `config:\n${keys(read.map(([source]) => source))}`);
    const expected = Object.fromEntries(read.map(([, it], index) => [`key${index}`, { in: it }]));
    assert.deepEqual(await pulumis("refused"), expected);
    for (const [source] of REFUSED.filter(([, it]) => it === undefined)) {
      writeFileSync(file("refused"), `config:\n${keys([source])}`);
      await assert.rejects(pulumis("refused"), source);
    }
  });

  it("reads what pulumi config set writes, and keys that are no maps", async () => {
    await init("set", "config:\n  none:\n  number: 1.50\n  json: '[1]'\n  istio-gateway:config:old: 5\n");
    for (const args of [
      ["date", "2022-11-28"],
      ["domain", "1.50"],
      ["--path", "map.list[0].date", "2022-11-28"],
      ["--path", "map.octal", "010"],
      ["--path", "map.flag", "true"],
      ["--path", "map.number", "5"],
    ]) {
      await pulumi("config", "set", "--stack", "set", ...args);
    }
    const expected = await pulumis("set");
    assert.deepEqual(readStackFile(file("set")).values, expected);
    assert.deepEqual(expected.map, { list: [{ date: "2022-11-28" }], octal: "010", flag: true, number: 5 });
    await pulumi("config", "set", "--stack", "set", "--secret", "--path", "map.secret", "hush");
    const { values, secretKeys } = readStackFile(file("set"));
    assert.deepEqual(values.map, { ...(expected.map as object), secret: "[sealed]" });
    assert.deepEqual([...secretKeys], ["map"]);
  });

  it("reads the project's config as Pulumi does", async () => {
    const config =
      "  a: { default: { b: 1.0, c: 1_000 } }\n  d: 5\n  e: [x, 0x10]\n  f: { default: 1.5 }\n  g: { default: x }\n";
    writeFileSync(join(folder, "Pulumi.yaml"), `name: ${PROJECT}\nruntime: nodejs\nconfig:\n${config}`);
    await init("project", "config:\n  g: y\n");
    const expected = { a: { b: 1, c: 1000 }, d: 5, e: ["x", 16], f: 1.5, g: "y" };
    assert.deepEqual(await pulumis("project"), expected);
    assert.deepEqual(readStackFile(file("project")).values, expected);
  });

  it("reads a thousand values drawn at random as Pulumi does, or refuses them", async function () {
    this.timeout(300_000);
    const { seed } = parameters();
    const accepted: string[] = [];
    let refused = 0;
    for (const source of fc.sample(value, { seed, numRuns: 3000 })) {
      writeFileSync(file("one"), `${SHARED}config:\n${source("key")}`);
      if (isRead(file("one"))) {
        accepted.push(source(`key${accepted.length}`));
      } else {
        refused++;
      }
    }
    assert.ok(accepted.length >= 1000, `only ${accepted.length} were read`);
    assert.ok(refused >= 100, `only ${refused} were refused`);
    await init("random", "");
    for (let first = 0; first < accepted.length; first += 100) {
      const part = accepted.slice(first, first + 100);
      writeFileSync(file("random"), `${SHARED}config:\n${part.join("")}`);
      const theirs = await pulumis("random");
      const ours = readStackFile(file("random")).values;
      part.forEach((source, place) => {
        const key = `key${first + place}`;
        assert.deepEqual(ours[key], theirs[key], `seed ${seed}: ${source}`);
      });
    }
  });

  function isRead(path: string): boolean {
    try {
      return readStackFile(path).problems?.length === 0;
    } catch (error) {
      assert.match(String(error), /cannot read the stack file/, readFileSync(path, "utf8"));
      return false;
    }
  }
});
