import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output } from "../../lab/processes";
import { buildGoSet, goSetFolder, isComplete, makeFolder } from "../../lab/tools/goSet";
import { downloadPulumi, linkTo } from "../../lab/tools/pulumi";
import { PLUGINS, PULUMI_VERSION } from "../../lab/tools/catalogue";
import manifest from "../../package.json";

describe("lab/tools", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "tools-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("has the same plugin versions as package.json", () => {
    for (const [name, version] of Object.entries(PLUGINS)) {
      assert.equal(manifest.dependencies[`@pulumi/${name}` as keyof typeof manifest.dependencies], version);
    }
  });

  it("points a link to its target again, wherever it pointed before, and stays valid if the cache is moved", () => {
    const cache = join(folder, "cache");
    mkdirSync(join(cache, "host"), { recursive: true });
    writeFileSync(join(cache, "host", "tool"), "right");
    const link = join(cache, "cli", "tool");
    linkTo(join(cache, "host", "tool"), link);
    assert.equal(readFileSync(link, "utf8"), "right");
    rmSync(link);
    symlinkSync(join(folder, "gone"), link);
    linkTo(join(cache, "host", "tool"), link);
    assert.equal(readFileSync(link, "utf8"), "right");
    // Through another name for the same cache, as if it was moved and the old name kept.
    symlinkSync(cache, join(folder, "alias"));
    linkTo(join(folder, "alias", "host", "tool"), join(folder, "alias", "cli", "tool"));
    rmSync(join(folder, "alias"));
    renameSync(cache, join(folder, "moved"));
    assert.equal(readFileSync(join(folder, "moved", "cli", "tool"), "utf8"), "right");
  });

  describe("goSet", () => {
    const set = { name: "set", programs: { tool: "example.test/tool" } };
    let sources: string;
    beforeEach(() => {
      sources = join(folder, "sources");
      mkdirSync(join(sources, "set"), { recursive: true });
      writeFileSync(join(sources, "set", "go.mod"), "module a\n");
      writeFileSync(join(sources, "set", "go.sum"), "");
    });

    it("uses a different folder for every go.mod, go.sum and list of programs", () => {
      const first = goSetFolder(set, folder, sources);
      assert.equal(goSetFolder(set, folder, sources), first);
      assert.notEqual(goSetFolder({ ...set, programs: { other: "b" } }, folder, sources), first);
      writeFileSync(join(sources, "set", "go.sum"), "x");
      assert.notEqual(goSetFolder(set, folder, sources), first);
    });

    /** A go command that writes its output file, then exits with a code. */
    const fakeGo = (code: number) => {
      const path = join(folder, `go-${code}`);
      writeFileSync(
        path,
        `#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho built > "$2"\necho broken >&2\nexit ${code}\n`,
      );
      chmodSync(path, 0o755);
      return path;
    };

    it("leaves nothing that looks complete if a build fails, and repairs it on the next run", async () => {
      const target = goSetFolder(set, folder, sources);
      await assert.rejects(buildGoSet(set, fakeGo(1), target, sources), /^UserError|Error: .*build failed: broken$/);
      assert.ok(!isComplete(target) && !existsSync(target));
      await buildGoSet(set, fakeGo(0), target, sources);
      assert.ok(isComplete(target));
      assert.ok(existsSync(join(target, "tool")));
      // The third run builds nothing: this go would fail.
      await buildGoSet(set, fakeGo(1), target, sources);
    });

    it("copies files from a module that another set's go.mod pins", async () => {
      const module = join(folder, "module");
      mkdirSync(join(module, "crds"), { recursive: true });
      writeFileSync(join(module, "crds", "a.yaml"), "kind: A\n");
      writeFileSync(join(module, "crds", "kustomization.yaml"), "");
      const go = join(folder, "go-download");
      const answer = JSON.stringify({ Path: "example.test/m", Dir: module });
      writeFileSync(
        go,
        `#!/bin/sh\n[ "$PWD $*" = "${join(sources, "set")} mod download -json example.test/m" ] && echo '${answer}'\n`,
      );
      chmodSync(go, 0o755);
      const files = { "taken-crds": { module: "example.test/m", path: "crds/" } };
      const target = join(folder, "taken");
      await buildGoSet({ name: "other", goMod: "set", programs: {}, files }, go, target, sources);
      assert.deepEqual(readdirSync(join(target, "taken-crds")), ["a.yaml"]);
    });

    it("starts over after an interruption", async () => {
      const target = join(folder, "made");
      mkdirSync(`${target}.partial`);
      writeFileSync(join(`${target}.partial`, "half"), "");
      await makeFolder(target, () => Promise.resolve());
      assert.deepEqual(readdirSync(target), [".complete"]);
    });
  });

  describe("pulumi", () => {
    let server: Server;
    let base: string;
    let checksum: string;
    const name = `pulumi-v${PULUMI_VERSION}-linux-${process.arch}.tar.gz`;

    beforeEach(async () => {
      mkdirSync(join(folder, "pulumi"));
      writeFileSync(join(folder, "pulumi", "pulumi"), "#!/bin/sh\n");
      await output("tar", ["-czf", join(folder, name), "-C", folder, "pulumi"]);
      const { readFileSync } = await import("node:fs");
      const archive = readFileSync(join(folder, name));
      checksum = createHash("sha256").update(archive).digest("hex");
      server = createServer((request, response) => {
        response.end(request.url === "/sums" ? `${checksum}  ${name}\n` : archive);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    const source = () => ({ archive: `${base}/archive`, checksums: `${base}/sums` });

    it("unpacks an archive whose checksum matches the release's", async () => {
      assert.equal(await downloadPulumi(join(folder, "cli"), source()), true);
      assert.ok(existsSync(join(folder, "cli", "pulumi")));
    });

    it("rejects an archive with a different checksum", async () => {
      checksum = "0".repeat(64);
      await assert.rejects(downloadPulumi(join(folder, "cli"), source()), /has SHA-256 .* its release says 0{64}/);
      assert.ok(!existsSync(join(folder, "cli")));
    });

    it("returns false if nothing can be reached", async () => {
      const nowhere = { archive: "http://127.0.0.1:1/a", checksums: "http://127.0.0.1:1/s" };
      assert.equal(await downloadPulumi(join(folder, "cli"), nowhere), false);
    });
  });
});
