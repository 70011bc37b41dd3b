import assert from "node:assert/strict";
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
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildGoSet, goModFolder, goSetFolder, isComplete, makeFolder } from "../../lab/tools/goSet";
import { buildSets } from "../../lab/tools/install";
import { moduleVersion } from "../../lab/tools/module";
import { installedNft } from "../../lab/tools/nft";
import { linkTo } from "../../lab/tools/pulumi";
import * as catalogue from "../../lab/tools/catalogue";
import manifest from "../../package.json";

describe("lab/tools", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "tools-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("runs nft from where it is, not by the way that led there", () => {
    const [real, link] = [join(folder, "real"), join(folder, "link")];
    mkdirSync(join(real, "nft-debian"), { recursive: true });
    symlinkSync(real, link);
    const script = readFileSync(installedNft(join(link, "nft-debian")), "utf8");
    assert.ok(script.includes(`exec '${join(real, "nft-debian", "root", "usr", "sbin", "nft")}'`), script);
  });

  it("has the same plugin versions as package.json", () => {
    for (const [name, version] of Object.entries(catalogue.PLUGINS)) {
      assert.equal(manifest.dependencies[`@pulumi/${name}` as keyof typeof manifest.dependencies], version);
    }
  });

  it("says how long a build of everything takes", () => {
    const { CERT_MANAGER, ISTIO_NEXT, KUBERNETES_PROVIDER, PEBBLE } = catalogue;
    const sets = Object.values(catalogue).filter((value) => typeof value === "object" && "programs" in value);
    // Built on demand.
    const first = sets.filter((set) => ![CERT_MANAGER, ISTIO_NEXT, KUBERNETES_PROVIDER, PEBBLE].includes(set));
    const minutes = Math.round(first.reduce((sum, { seconds = 0 }) => sum + seconds, 0) / 60);
    for (const page of ["README.md", "CONTRIBUTING.md"]) {
      const text = readFileSync(join(__dirname, "..", "..", page), "utf8");
      assert.ok(text.includes(`(about ${minutes} minutes on 2 cores for everything)`), page);
    }
  });

  it("downloads the versions that it would build", () => {
    const { ISTIO_RELEASE, VICTORIA_METRICS_VERSION } = catalogue;
    const sources = join(__dirname, "..", "..", "lab", "tools");
    const versions: [set: catalogue.GoSet, module: string, release: (version: string) => string][] = [
      [catalogue.ETCD, "go.etcd.io/etcd/server/v3", (version) => `/${version}/etcd-${version}-linux-`],
      [catalogue.KUBERNETES, "k8s.io/kubernetes", (version) => `/release/${version}/bin/linux/`],
      [catalogue.HELM, "helm.sh/helm/v4", (version) => `/helm-${version}-linux-`],
      [catalogue.PULUMI, "github.com/pulumi/pulumi/pkg/v3", (version) => `/pulumi-${version}-linux-`],
      // The end of a pseudo-version is the commit, and so is the tag.
      [catalogue.RATELIMIT, "github.com/envoyproxy/ratelimit", (version) => version.slice(-12, -4)],
    ];
    for (const [set, module, release] of versions) {
      const expected = release(moduleVersion(module, goModFolder(set, sources)));
      assert.ok(JSON.stringify(set.release).includes(expected), `${set.name}: ${expected}`);
    }
    // These two modules have no version that says which release they are: whoever changes one must look for the other.
    assert.deepEqual(
      [moduleVersion("istio.io/istio", join(sources, "istio")), ISTIO_RELEASE.version],
      ["v0.0.0-20260826214018-9739e10eb9d7", "1.30.4"],
    );
    assert.deepEqual(
      [moduleVersion("github.com/VictoriaMetrics/VictoriaMetrics", join(sources, "vmagent")), VICTORIA_METRICS_VERSION],
      ["v0.0.0-20250718125606-9d9bea03485e", "v1.122.0"],
    );
  });

  it("downloads every program that it would build, from addresses without gaps", () => {
    const sets = Object.values(catalogue).filter((value) => typeof value === "object" && "programs" in value);
    const released = sets.filter((set) => set.release !== undefined);
    assert.ok(released.length > 0);
    for (const { name, programs, release } of released) {
      const { folder, archives = [], images = [] } = release ?? {};
      const published = [...archives, ...images].flatMap((part) => Object.keys(part.programs));
      for (const program of Object.keys(programs)) {
        assert.ok(folder !== undefined || published.includes(program), `${name}: ${program}`);
      }
      assert.match(folder ?? "https://a/", /^https:\/\/.*[^/]\/$/);
      for (const url of [
        ...archives.flatMap((one) => [one.url, one.checksums]),
        ...images.map((one) => one.repository),
      ]) {
        assert.match(url, /^https:\/\/[a-z0-9.-]+(\/[\w.-]+)+$/);
      }
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

    it("uses a different folder for every go.mod, go.sum, source of our own and list of programs", () => {
      const first = goSetFolder(set, folder, sources);
      assert.equal(goSetFolder(set, folder, sources), first);
      assert.notEqual(goSetFolder({ ...set, programs: { other: "b" } }, folder, sources), first);
      mkdirSync(join(sources, "set", "program"));
      for (const file of ["main.go", "go.sum", "program/main.go"]) {
        const before = goSetFolder(set, folder, sources);
        writeFileSync(join(sources, "set", file), "x");
        assert.notEqual(goSetFolder(set, folder, sources), before);
      }
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

    it("builds sets in their order after the other steps, and looks for Go only if there is something to build", async () => {
      const order: string[] = [];
      const { PATH } = process.env;
      const write = process.stderr.write.bind(process.stderr);
      const { error } = console;
      const log = join(folder, "log");
      mkdirSync(join(folder, "bin"));
      const script = `#!/bin/sh\necho "$1" >> '${log}'\n[ "$1" != env ] || exec echo go1.99.0\n`;
      writeFileSync(join(folder, "bin", "go"), `${script}while [ "$1" != -o ]; do shift; done\necho built > "$2"\n`);
      chmodSync(join(folder, "bin", "go"), 0o755);
      process.env.PATH = `${join(folder, "bin")}:${PATH ?? ""}`;
      process.stderr.write = (text) => order.push(String(text)) > 0;
      console.error = (line: string) => order.push(line);
      const place = { tools: folder, sources };
      const wheel = { name: "wheel==1", run: () => Promise.resolve() };
      try {
        await buildSets([], place, [wheel]);
        assert.ok(!existsSync(log));
        assert.match(order.join(""), /^tools 1\/1 {2}wheel==1: done, [^\n]*\n$/);
        order.length = 0;
        await buildSets(
          [
            { ...set, seconds: 120 },
            { ...set, name: "other", goMod: "set", seconds: 480 },
          ],
          place,
          [wheel],
        );
      } finally {
        process.env.PATH = PATH;
        process.stderr.write = write;
        console.error = error;
      }
      const [plan, ...steps] = order.filter((line) => !line.includes("memory"));
      assert.equal(plan, "building set, other from source, about 10 min with 2 cores");
      assert.deepEqual(
        steps.map((line) => line.split(":")[0]),
        ["tools 1/4  wheel==1", "tools 2/4  Go", "tools 3/4  set (tool)", "tools 4/4  other (tool)"],
      );
      assert.deepEqual(readFileSync(log, "utf8").split("\n"), ["env", "build", "build", ""]);
      assert.ok(isComplete(goSetFolder(set, folder, sources)));
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
});
