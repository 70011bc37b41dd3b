import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preview } from "../../review/preview";
import { previewMarkdown } from "../../review/previewMarkdown";
import { LARGE_SERVICE } from "../support/stacks";
import { Repository } from "../../review/repository";

const ROOT = join(__dirname, "..", "..");
const FIVE_BEFORE = readFileSync(join(__dirname, "five", "before.yaml"), "utf8");
const FIVE_AFTER = readFileSync(join(__dirname, "five", "after.yaml"), "utf8");
const KUBECONFIG = "  istio-gateway:kubernetes:\n    kubeconfig:\n      secure: v1:ciphertext\n";

/** Each program is a separate process that loads all of Pulumi. */
const TIMEOUT_MS = 240_000;

describe("review/preview", function () {
  this.timeout(TIMEOUT_MS);
  let folder: string;
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.test", ...args], {
      cwd: folder,
      encoding: "utf8",
    });
  const write = (stack: string, text: string) => writeFileSync(join(folder, `Pulumi.${stack}.yaml`), text);
  const look = (stack: string) => {
    const repository = new Repository(folder);
    return repository.at("main", (old) => preview(repository, old, stack, "main"));
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "preview-"));
    for (const part of ["components", "config", "emit", "kinds", "tsconfig.json"]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    write("dev", FIVE_BEFORE);
    git("init", "--quiet", "--initial-branch=main");
    git("add", ".");
    git("commit", "--quiet", "--message=base");
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("reports words, objects and policies of a change, with placeholders for encrypted values", () => {
    write("dev", `environment: [acme/dev]\n${FIVE_AFTER}${KUBECONFIG}`);
    const found = look("dev");
    assert.match(found.review, /6 changes: ⚠️ 2 gateway-wide, 2 opens to all, 1 removal\./);
    assert.deepEqual(found.sealed, ["kubernetes.kubeconfig"]);
    assert.deepEqual(found.environments, ["acme/dev"]);
    const objects = new Map(found.objects?.map(({ action, object, details }) => [object, { action, details }]));
    assert.deepEqual(objects.get("HTTPRoute monitoring/grafana.unified-gateway.istio-system"), {
      action: "add",
      details: [],
    });
    assert.deepEqual(objects.get("HTTPRoute monitoring/logs.unified-gateway.istio-system"), {
      action: "remove",
      details: [],
    });
    assert.deepEqual(objects.get("HTTPRoute shop/orders.unified-gateway.istio-system")?.details, [
      "spec.rules[1].backendRefs[0].weight: 95 → 80",
      "spec.rules[1].backendRefs[1].weight: 5 → 20",
      "spec.rules[3].backendRefs[0].weight: 95 → 80",
      "spec.rules[3].backendRefs[1].weight: 5 → 20",
    ]);
    assert.deepEqual(
      [...new Set(found.findings.map(({ policy, level }) => `${level} ${policy}`))],
      ["advisory service-limit"],
    );
    assert.equal(found.passed, true);
    const text = previewMarkdown(found);
    assert.match(text, /^Encrypted, replaced by a placeholder: `kubernetes\.kubeconfig`\.$/m);
    assert.match(text, /^⚠️ Without what the environment acme\/dev sets, which only Pulumi can read\.$/m);
    assert.match(text, /^\| ➕ \| HTTPRoute monitoring\/grafana\.unified-gateway\.istio-system \| {2}\|$/m);
    assert.doesNotMatch(text + JSON.stringify(found), /ciphertext|PRIVATE KEY/);
  });

  it("fails if a mandatory policy is violated, in a new stack", () => {
    write("prod", FIVE_BEFORE);
    const found = look("prod");
    assert.equal(found.passed, false);
    assert.match(previewMarkdown(found), /^- ❌ gateway-protected-in-production: .* set protect: true\.$/m);
    assert.match(found.review, /A new stack/);
    assert.ok(found.objects?.every(({ action }) => action === "add"));
  });

  it("fails with the program's single error if the config is wrong, and then creates nothing", () => {
    write("dev", FIVE_BEFORE.replace("percent: 5", "percent: 500"));
    const found = look("dev");
    assert.deepEqual({ passed: found.passed, objects: found.objects }, { passed: false, objects: undefined });
    assert.equal(
      previewMarkdown(found),
      [
        "### dev",
        "",
        "❌ The config is wrong:",
        "",
        "```",
        "stack config has 1 mistake, nothing was changed:",
        "  istio-gateway:services[0].canary.percent (orders): 500, expected a percentage from 0 to 100, without decimals",
        "```",
        "",
      ].join("\n"),
    );
  });

  it("fails in the same way if an object is too large", () => {
    const config = { "istio-gateway:domain": "example.test", "istio-gateway:services": [LARGE_SERVICE] };
    write("dev", JSON.stringify({ config }));
    const found = look("dev");
    assert.deepEqual({ passed: found.passed, objects: found.objects }, { passed: false, objects: undefined });
    assert.match(
      found.error ?? "",
      /^1 object is too large, nothing was changed:\n {2}HTTPRoute apps\/web\.unified-gateway\.istio-system: \d+ bytes, .+\n.+$/,
    );
  });

  it("fails if the program at the base cannot be run, and says why", () => {
    write("dev", FIVE_BEFORE);
    const repository = new Repository(folder);
    const broken = (change: (root: string) => void) =>
      repository.at("main", (old) => {
        change(old.root);
        return preview(repository, old, "dev", "main");
      });
    const entry = (root: string) => join(root, "emit", "main.ts");
    const absent = broken((root) => rmSync(entry(root)));
    assert.deepEqual({ passed: absent.passed, objects: absent.objects }, { passed: false, objects: undefined });
    assert.equal(absent.notCompared, "the program at main cannot be run: it has no emit/main.ts");
    assert.match(previewMarkdown(absent), /^❌ \*\*Objects\*\*: not compared, the program at main cannot be run/m);
    const moved = broken((root) => writeFileSync(entry(root), 'import "../components/elsewhere";\n'));
    assert.equal(moved.passed, false);
    assert.match(
      moved.notCompared ?? "",
      /^the program at main cannot be run: Error: Cannot find module '.*elsewhere'$/,
    );
  });

  it("says in one line which stack or revision does not exist", () => {
    const repository = new Repository(folder);
    assert.throws(() => repository.stacks("none"), /^Error: there is no stack none: Pulumi\.none\.yaml is missing$/);
    assert.throws(
      () => repository.base("none"),
      /^Error: there is no revision none: fetch it, or pass another with --base$/,
    );
    assert.throws(() => repository.base("--help"), /there is no revision --help/);
    assert.equal(repository.base(), "main");
    assert.deepEqual(repository.stacks(), ["dev", "prod"]);
  });

  it("compares with where the branch forked from its base, not with later commits there", () => {
    write("dev", FIVE_BEFORE);
    git("checkout", "--quiet", "-b", "branch");
    git("checkout", "--quiet", "main");
    write("dev", FIVE_AFTER);
    git("commit", "--quiet", "--all", "--message=later");
    git("checkout", "--quiet", "branch");
    const text = new Repository(folder).at("main", (old) => readFileSync(old.stackFile("dev"), "utf8"));
    assert.equal(text, FIVE_BEFORE);
  });
});
