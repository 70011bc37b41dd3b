import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { scripts } from "../package.json";

const ROOT = join(__dirname, "..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** The repository's files that match a glob, new ones included. */
function filesOf(glob: string): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", `:(glob)${glob}`];
  const files = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\n");
  return files.filter((file) => file !== "" && existsSync(join(ROOT, file)));
}

describe("the pre-push hook", () => {
  const HOOK = join(ROOT, "hooks", "pre-push");
  const text = readFileSync(HOOK, "utf8");
  const [, list = ""] = /^generated=\((.*)\)$/m.exec(text) ?? [];
  const generated = list.split(" ");

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hook-"));
    for (const file of generated) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), "committed\n");
    }
    git("init", "--quiet");
    git("add", ".");
    git("-c", "user.name=test", "-c", "user.email=test@example.test", "commit", "--quiet", "--message=test");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const git = (...args: string[]) => execFileSync("git", args, { cwd: folder });

  /** Runs the hook with a shell script in place of npm; its second argument is the npm script. */
  function push(npm: string) {
    const bin = mkdtempSync(join(folder, ".git", "bin-"));
    writeFileSync(join(bin, "npm"), `#!/bin/sh\n${npm}\n`);
    chmodSync(join(bin, "npm"), 0o755);
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}` };
    const { status, stderr } = spawnSync(HOOK, { cwd: folder, encoding: "utf8", env });
    return { status, lines: stderr.split("\n").filter(Boolean) };
  }

  it("is executable, runs existing scripts, and is turned on by one", () => {
    assert.equal(statSync(HOOK).mode & 0o111, 0o111);
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name ?? "");
    assert.ok(named.includes("check:format") && named.includes("generate") && named.includes("check:types"));
    assert.deepEqual(
      named.filter((name) => !(name in scripts)),
      [],
    );
    assert.equal(scripts.hooks, "git config core.hooksPath hooks");
    assert.ok(!("prepare" in scripts || "postinstall" in scripts));
  });

  it("checks the files that npm run generate writes", () => {
    const generator = read("scripts/generate.ts");
    assert.deepEqual(
      generated.filter((file) => !existsSync(join(ROOT, file)) || !generator.includes(`"${file}"`)),
      [],
    );
  });

  it("allows a push if everything is in order", () => {
    assert.deepEqual(push("exit 0"), { status: 0, lines: [] });
  });

  it("stops a push with one line for each step that failed", () => {
    const { status, lines } = push("exit 1");
    assert.equal(status, 1);
    assert.deepEqual(
      lines.map((line) => /^pre-push: .*'npm run ([\w:]+)'/.exec(line)?.[1]),
      ["format", "generate", "check:types"],
    );
  });

  it("stops a push if a generated file was out of date", () => {
    for (const file of generated) {
      const { status, lines } = push(`[ "$2" != generate ] || echo new > ${file}`);
      assert.equal(status, 1);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /^pre-push: generated files were out of date: commit them/);
      git("checkout", "--quiet", file);
    }
  });
});

interface CustomManager {
  managerFilePatterns: string[];
  matchStrings: string[];
  matchStringsStrategy?: "recursive";
}

describe("Renovate", () => {
  const { customManagers } = JSON.parse(read("renovate.json")) as { customManagers: CustomManager[] };

  function found({ matchStrings, matchStringsStrategy }: CustomManager, text: string): string[] {
    const search = (pattern: string, within: string): string[] => within.match(new RegExp(pattern, "g")) ?? [];
    return matchStringsStrategy === "recursive"
      ? matchStrings.reduce((texts, pattern) => texts.flatMap((part) => search(pattern, part)), [text])
      : matchStrings.flatMap((pattern) => search(pattern, text));
  }

  it("finds a version in each file that it scans", () => {
    for (const manager of customManagers) {
      for (const pattern of manager.managerFilePatterns) {
        const files = filesOf(pattern);
        assert.ok(files.length > 0, pattern);
        for (const file of files) {
          assert.ok(found(manager, read(file)).length > 0, `${file}: ${manager.matchStrings.join(" ")}`);
        }
      }
    }
  });

  it("finds each default image, in the config and in files generated from it", () => {
    const SCHEMA = "pulumi-stack.schema.json";
    const images = [...read(SCHEMA).matchAll(/"default": "(docker\.io\/.+)"/g)].map(([, image]) => image ?? "");
    assert.equal(images.length, 2);
    for (const image of images) {
      const managers = customManagers.filter((manager) => found(manager, read(SCHEMA)).includes(image));
      assert.equal(managers.length, 1, image);
      for (const manager of managers) {
        const files = manager.managerFilePatterns.flatMap(filesOf);
        assert.equal(files.length, 3);
        assert.ok(files.every((file) => found(manager, read(file)).includes(image)));
      }
    }
  });
});

describe("CONTRIBUTING.md", () => {
  it("has every command", () => {
    const text = read("CONTRIBUTING.md");
    const isNamed = (name: string) => new RegExp(`(npm |npm run (-s )?|\`)${name}(?![\\w:-])`).test(text);
    assert.deepEqual(
      Object.keys(scripts).filter((name) => !isNamed(name)),
      [],
    );
  });
});

describe("every Markdown file", () => {
  // docs/config.md is generated.
  const files = filesOf("**/*.md").filter((file) => file !== "docs/config.md");
  const LONGEST = 160;
  const LINK = /^\s*(?:[-*>] )?(?:<?https?:\/\/\S+>?|\[[^\]]*\](?:\([^)]*\)|: \S+))[.,;:]?$/;

  for (const file of files) {
    it(`${file} has lines of at most ${LONGEST} characters outside tables, code blocks and links`, () => {
      let fence: string | undefined;
      const tooLong: string[] = [];
      for (const [index, line] of read(file).split("\n").entries()) {
        const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
        if (mark !== undefined) {
          fence = fence === undefined ? mark : mark.startsWith(fence) ? undefined : fence;
        } else if (fence === undefined && !/^\s*\|/.test(line) && !LINK.test(line) && line.length > LONGEST) {
          tooLong.push(`${file}:${index + 1}: ${line.length} characters`);
        }
      }
      assert.deepEqual(tooLong, []);
    });
  }
});

describe("the forms of .github and the devcontainer", () => {
  const FORMS = ".github/ISSUE_TEMPLATE";

  for (const file of ["bug_report.yml", "feature_request.yml"]) {
    it(`${file} is a form whose questions each have a label and an id`, () => {
      const { name, description, body } = parse(read(`${FORMS}/${file}`)) as {
        name: string;
        description: string;
        body: { type: string; id?: string; attributes: { label?: string } }[];
      };
      assert.ok(name && description);
      const questions = body.filter(({ type }) => type !== "markdown");
      assert.ok(questions.every(({ id, attributes }) => id !== undefined && attributes.label !== undefined));
      assert.equal(new Set(questions.map(({ id }) => id)).size, questions.length);
    });
  }

  it("leave no way around the forms, and ask a pull request for its preview", () => {
    assert.deepEqual(parse(read(`${FORMS}/config.yml`)), { blank_issues_enabled: false });
    const named = [...read(".github/pull_request_template.md").matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
    assert.ok(named.includes("preview"));
    assert.ok(named.every((name = "") => name in scripts));
  });

  it("pin the devcontainer's image and features, and keep it without privileges", () => {
    const json = read(".devcontainer/devcontainer.json").replace(/^\s*\/\/.*$/gm, "");
    const { image, features, runArgs, postCreateCommand } = JSON.parse(json) as {
      image: string;
      features: Record<string, unknown>;
      runArgs: string[];
      postCreateCommand: string;
    };
    for (const reference of [image, ...Object.keys(features)]) {
      assert.match(reference, /:\d+\.\d+\.\d+(-[\w-]+)?$/);
    }
    assert.ok(runArgs.every((argument) => /^--security-opt=\w+=unconfined$/.test(argument)));
    assert.equal(postCreateCommand, "npm ci");
  });
});
