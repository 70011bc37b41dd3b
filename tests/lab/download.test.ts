import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output, UserError } from "../../lab/processes";
import { ARCHITECTURE, type GoSet } from "../../lab/tools/catalogue";
import { goSetFolder, installGoSet, isComplete } from "../../lab/tools/goSet";
import { installReleases, isReleased, setFolder, type Place } from "../../lab/tools/install";

const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");

/** What a path answers: its content, or for its first requests something else. */
interface Answer {
  content: Buffer | string;
  status?: number;
  /** Paths at the registry need its token. */
  needsToken?: boolean;
  redirect?: string;
  /** Ends the connection of the first request after so many bytes. */
  cutAfter?: number;
}

/** An HTTP server with ranges, as those of releases and registries have. */
class Site {
  readonly answers = new Map<string, Answer>();
  readonly requests: { path: string; range?: string; authorization?: string }[] = [];
  /** Requests for which the registry's present token is still good. */
  private uses = 0;
  private readonly server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? "", "http://site").pathname;
    const { range, authorization } = request.headers;
    this.requests.push({ path, ...(range && { range }), ...(authorization && { authorization }) });
    const answer = this.answers.get(path);
    if (answer === undefined) {
      response.writeHead(404).end("not here");
    } else if (answer.needsToken === true && (authorization !== "Bearer t0ken" || --this.uses < 0)) {
      response.writeHead(401, { "www-authenticate": this.challenge(path) }).end("{}");
    } else if (answer.redirect !== undefined) {
      response.writeHead(307, { location: answer.redirect }).end();
    } else {
      this.send(answer, request, response);
    }
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Number of requests for a path. */
  asked(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private challenge(path: string): string {
    const [, , image = ""] = path.split("/");
    return `Bearer realm="${this.url}/token",service="registry.test",scope="repository:${image}:pull"`;
  }

  private send(answer: Answer, request: IncomingMessage, response: import("node:http").ServerResponse): void {
    const content = Buffer.from(answer.content);
    this.uses = request.url?.startsWith("/token?") === true ? 2 : this.uses;
    const [, from = "0"] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const start = Number(from);
    if (start > 0 && start >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const rest = content.subarray(start);
    response.writeHead(answer.status ?? (start > 0 ? 206 : 200), {
      "content-length": rest.length,
      ...(start > 0 && { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    if (answer.cutAfter !== undefined) {
      const { cutAfter } = answer;
      delete answer.cutAfter;
      response.write(rest.subarray(0, cutAfter), () => request.socket.destroy());
      return;
    }
    response.end(rest);
  }
}

describe("lab/tools/download", () => {
  let folder: string;
  let place: Place;
  let site: Site;
  let storage: Site;
  const complaints: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  const { error } = console;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "download-"));
    place = { tools: join(folder, "tools"), sources: join(folder, "sources") };
    mkdirSync(join(place.sources, "set"), { recursive: true });
    writeFileSync(join(place.sources, "set", "go.mod"), "module a\n");
    writeFileSync(join(place.sources, "set", "go.sum"), "");
    site = await new Site().start();
    storage = await new Site().start();
    complaints.length = 0;
    // Progress is not what is tested here.
    process.stderr.write = () => true;
    console.error = (line: string) => void complaints.push(line);
  });
  afterEach(() => {
    process.stderr.write = write;
    console.error = error;
    site.stop();
    storage.stop();
    rmSync(folder, { recursive: true });
    delete process.env.ISTIO_GATEWAY_TOOLS;
    delete process.env.GOPROXY;
  });

  /** A tar.gz of files, by path. */
  const archive = async (files: Readonly<Record<string, string>>, prefix = ""): Promise<Buffer> => {
    const root = mkdtempSync(join(folder, "root-"));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    const file = `${root}.tar.gz`;
    await output("tar", ["-czf", file, "-C", root, ...Object.keys(files).map((path) => prefix + path)]);
    return readFileSync(file);
  };

  const set = (release: GoSet["release"], programs: Record<string, string>, name = "set"): GoSet => ({
    name,
    goMod: "set",
    programs,
    ...(release && { release }),
  });

  /** A set of two files in a folder. */
  const inFolder = (): GoSet => {
    for (const name of ["kubectl", "kube-proxy"]) {
      site.answers.set(`/bin/${name}`, { content: `program ${name}`.repeat(1000) });
      site.answers.set(`/bin/${name}.sha256`, { content: sha256(`program ${name}`.repeat(1000)) });
    }
    return set({ folder: `${site.url}/bin/` }, { kubectl: "a", "kube-proxy": "b" });
  };

  /** A set of one program in an archive, with a checksum file for several. */
  const inArchive = async (name = "set", program = "etcd"): Promise<GoSet> => {
    const content = await archive({ "etcd-v1/etcd": "program etcd", "etcd-v1/etcdctl": "program etcdctl" });
    site.answers.set("/etcd-v1.tar.gz", { content });
    site.answers.set("/SHA256SUMS", {
      content: `${"0".repeat(64)}  other.tar.gz\n${sha256(content)}  etcd-v1.tar.gz\n`,
    });
    const programs = { [program]: `etcd-v1/${program}` };
    return set(
      { archives: [{ url: `${site.url}/etcd-v1.tar.gz`, checksums: `${site.url}/SHA256SUMS`, programs }] },
      { [program]: "a" },
      name,
    );
  };

  /** A set of two programs in the layers of an image, which redirects to another host. */
  const inImage = async (needsToken = true): Promise<GoSet & { readonly layers: string[] }> => {
    const blobs = [
      await archive({ "etc/os-release": "base", "usr/local/bin/envoy": "an older one" }),
      await archive({ "usr/local/bin/envoy": "program envoy" }, "./"),
      await archive({ "usr/local/bin/pilot-agent": "program pilot-agent" }),
    ];
    const layers = blobs.map((blob) => `sha256:${sha256(blob)}`);
    for (const [index, digest] of layers.entries()) {
      storage.answers.set(`/${digest}`, { content: blobs[index] ?? "" });
      site.answers.set(`/v2/proxyv2/blobs/${digest}`, {
        content: "",
        needsToken,
        redirect: `${storage.url.replace("127.0.0.1", "localhost")}/${digest}`,
      });
    }
    const add = (content: string) => {
      site.answers.set(`/v2/proxyv2/manifests/sha256:${sha256(content)}`, { content, needsToken });
      return `sha256:${sha256(content)}`;
    };
    const manifest = add(JSON.stringify({ layers: layers.map((digest) => ({ digest })) }));
    const other = add(JSON.stringify({ layers: [] }));
    const index = add(
      JSON.stringify({
        manifests: [
          { digest: other, platform: { os: "unknown", architecture: "unknown" } },
          { digest: other, platform: { os: "linux", architecture: "s390x" } },
          { digest: manifest, platform: { os: "linux", architecture: ARCHITECTURE } },
        ],
      }),
    );
    site.answers.set("/token", { content: JSON.stringify({ token: "t0ken" }) });
    const programs = { envoy: "usr/local/bin/envoy", "pilot-agent": "usr/local/bin/pilot-agent" };
    const release = { images: [{ repository: `${site.url}/v2/proxyv2`, reference: index, programs }] };
    return { ...set(release, { "pilot-agent": "a" }), layers };
  };

  const installed = (one: GoSet, program: string) => readFileSync(join(setFolder(one, place), program), "utf8");

  const refuses = async (one: GoSet, message: RegExp) => {
    await assert.rejects(installReleases([one], place), (problem: Error) => {
      assert.ok(problem instanceof UserError);
      assert.match(problem.message, message);
      assert.ok(!problem.message.includes("\n"));
      return true;
    });
    assert.equal(isReleased(one, place), false);
  };

  it("installs programs whose checksums are next to them", async () => {
    const one = inFolder();
    assert.deepEqual(await installReleases([one], place), []);
    assert.ok(isReleased(one, place));
    assert.equal(installed(one, "kubectl"), "program kubectl".repeat(1000));
    assert.equal(statSync(join(setFolder(one, place), "kube-proxy")).mode & 0o777, 0o755);
    assert.deepEqual(readdirSync(setFolder(one, place)).sort(), [".complete", "kube-proxy", "kubectl"]);
    assert.ok(!existsSync(join(place.tools, "downloads")));
  });

  it("takes a program out of an archive that has a line in the release's checksums", async () => {
    const one = await inArchive();
    assert.deepEqual(await installReleases([one], place), []);
    assert.equal(installed(one, "etcd"), "program etcd");
    assert.deepEqual(readdirSync(setFolder(one, place)).sort(), [".complete", "etcd"]);
  });

  it("downloads an archive once for two sets", async () => {
    const sets = [await inArchive("first", "etcd"), await inArchive("second", "etcdctl")];
    assert.deepEqual(await installReleases(sets, place), []);
    assert.equal(installed(sets[1] ?? inFolder(), "etcdctl"), "program etcdctl");
    assert.equal(site.asked("/etcd-v1.tar.gz"), 1);
  });

  it("takes programs out of an image's layers, the upper ones first, and no more layers than it needs", async () => {
    const one = await inImage();
    assert.deepEqual(await installReleases([one], place), []);
    assert.equal(installed(one, "envoy"), "program envoy");
    assert.equal(installed(one, "pilot-agent"), "program pilot-agent");
    assert.equal(storage.asked(`/${one.layers[0] ?? ""}`), 0);
  });

  it("asks for a token again before each layer, because tokens expire", async () => {
    assert.deepEqual(await installReleases([await inImage()], place), []);
    assert.equal(site.asked("/token"), 3);
  });

  it("gives a registry's token to no other host", async () => {
    assert.deepEqual(await installReleases([await inImage()], place), []);
    assert.equal(storage.requests.length, 2);
    assert.ok(storage.requests.every(({ authorization }) => authorization === undefined));
  });

  it("reads a registry that wants no token", async () => {
    assert.deepEqual(await installReleases([await inImage(false)], place), []);
    assert.equal(site.asked("/token"), 0);
  });

  it("refuses what differs from its checksum, and downloads it again on the next start", async () => {
    const one = inFolder();
    const right = site.answers.get("/bin/kubectl") ?? { content: "" };
    site.answers.set("/bin/kubectl", { content: "forged" });
    await refuses(one, /\/bin\/kubectl has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}: try again later, or build it/);
    site.answers.set("/bin/kubectl", right);
    assert.deepEqual(await installReleases([one], place), []);
  });

  it("refuses a layer, a manifest and an index that differ from their digests", async () => {
    const one = await inImage();
    storage.answers.set(`/${one.layers[2] ?? ""}`, {
      content: await archive({ "usr/local/bin/pilot-agent": "forged" }),
    });
    await refuses(one, /\/blobs\/sha256:[0-9a-f]+ has SHA-256/);
    const manifests = [...site.answers.keys()].filter((path) => path.includes("/manifests/"));
    assert.equal(manifests.length, 3);
    for (const path of manifests.filter((name) => site.asked(name) > 0)) {
      const { content } = site.answers.get(path) ?? { content: "" };
      site.answers.set(path, { content: `${content.toString()} `, needsToken: true });
      await refuses(one, /\/manifests\/sha256:[0-9a-f]+ has SHA-256/);
      site.answers.set(path, { content, needsToken: true });
    }
  });

  it("leaves to build what it cannot reach, and says nothing of it", async () => {
    const one = set({ folder: "http://127.0.0.1:1/" }, { kubectl: "a" });
    const image = { repository: "http://127.0.0.1:1/v2/proxyv2", reference: "1.30.4", programs: { envoy: "envoy" } };
    const two = set({ images: [image] }, { envoy: "a" });
    const without = set(undefined, { vegeta: "a" });
    assert.deepEqual(await installReleases([one, two, without], place), [one, two, without]);
    assert.deepEqual(complaints, []);
  });

  it("leaves to build what is answered by something else, such as a login page", async () => {
    const page = { content: "<html>Sign in to the network</html>" };
    const file = inFolder();
    site.answers.set("/bin/kubectl.sha256", page);
    const image = { repository: `${site.url}/v2/other`, reference: "1.30.4", programs: { envoy: "envoy" } };
    site.answers.set("/v2/other/manifests/1.30.4", page);
    const two = set({ images: [image] }, { envoy: "a" });
    assert.deepEqual(await installReleases([file, two], place), [file, two]);
    assert.equal(site.asked("/bin/kubectl"), 0);
  });

  it("leaves to build an image whose registry names layers by anything but a digest", async () => {
    const manifest = JSON.stringify({ layers: [{ digest: "sha256:../../../outside" }] });
    const digest = `sha256:${sha256(manifest)}`;
    const platform = { os: "linux", architecture: ARCHITECTURE };
    site.answers.set("/v2/odd/manifests/latest", { content: JSON.stringify({ manifests: [{ digest, platform }] }) });
    site.answers.set(`/v2/odd/manifests/${digest}`, { content: manifest });
    const image = { repository: `${site.url}/v2/odd`, reference: "latest", programs: { envoy: "envoy" } };
    const one = set({ images: [image] }, { envoy: "a" });
    assert.deepEqual(await installReleases([one], place), [one]);
  });

  it("leaves to build what fails on its way, or is not where it should be, and says why in one line", async () => {
    const failing = inFolder();
    site.answers.set("/bin/kube-proxy", { content: "", status: 500 });
    const moved = await inArchive("moved");
    site.answers.set("/etcd-v1.tar.gz", { content: await archive({ "etcd-v2/etcd": "moved" }) });
    const { content } = site.answers.get("/etcd-v1.tar.gz") ?? { content: "" };
    site.answers.set("/SHA256SUMS", { content: `${sha256(content)}  etcd-v1.tar.gz\n` });
    const layer = "in a format that tar does not know";
    const manifest = JSON.stringify({ layers: [{ digest: `sha256:${sha256(layer)}` }] });
    const platform = { os: "linux", architecture: ARCHITECTURE };
    const index = JSON.stringify({ manifests: [{ digest: `sha256:${sha256(manifest)}`, platform }] });
    const repository = "/v2/odd";
    site.answers.set(`${repository}/manifests/latest`, { content: index });
    site.answers.set(`${repository}/manifests/sha256:${sha256(manifest)}`, { content: manifest });
    site.answers.set(`${repository}/blobs/sha256:${sha256(layer)}`, { content: layer });
    const image = { repository: `${site.url}${repository}`, reference: "latest", programs: { envoy: "envoy" } };
    const unreadable = set({ images: [image] }, { envoy: "a" }, "unreadable");
    const sets = [failing, moved, unreadable];
    assert.deepEqual(await installReleases(sets, place), sets);
    assert.equal(complaints.length, 3);
    assert.match(
      complaints[2] ?? "",
      /^unreadable is built, because it cannot be downloaded: tar -tf [^\n]*: tar: [^\n]*$/,
    );
    assert.match(complaints[0] ?? "", /^set is built, because it cannot be downloaded: http.*kube-proxy: curl: .*500$/);
    assert.match(complaints[1] ?? "", /^moved is built, .*etcd-v1.tar.gz has no etcd$/);
    assert.ok(!isComplete(goSetFolder(failing, place.tools, place.sources, true)));
    assert.deepEqual(readdirSync(place.tools), []);
  });

  it("continues a download that was cut", async () => {
    const one = inFolder();
    const { content = "" } = site.answers.get("/bin/kubectl") ?? {};
    site.answers.set("/bin/kubectl", { content, cutAfter: 5000 });
    assert.deepEqual(await installReleases([one], place), []);
    assert.equal(installed(one, "kubectl"), content);
    const ranges = site.requests.filter(({ path }) => path === "/bin/kubectl").map(({ range }) => range);
    assert.deepEqual(ranges, [undefined, "bytes=5000-"]);
  });

  it("continues what an interrupted start left, and starts over if it is of no use", async () => {
    const one = inFolder();
    const { content = "" } = site.answers.get("/bin/kubectl") ?? {};
    const downloads = join(place.tools, "downloads");
    const part = join(downloads, `${sha256(content)}.part`);
    mkdirSync(downloads, { recursive: true });
    writeFileSync(part, content.slice(0, 700));
    assert.deepEqual(await installReleases([one], place), []);
    assert.deepEqual(
      site.requests.filter(({ path }) => path === "/bin/kubectl").map(({ range }) => range),
      ["bytes=700-"],
    );
    for (const useless of ["x".repeat(700), "x".repeat(content.length), "x".repeat(content.length + 1)]) {
      rmSync(setFolder(one, place), { recursive: true, force: true });
      mkdirSync(downloads, { recursive: true });
      writeFileSync(part, useless);
      assert.deepEqual(await installReleases([one], place), []);
      assert.equal(installed(one, "kubectl"), content);
    }
  });

  it("asks nobody if everything is to be built, and does not use what was downloaded", async () => {
    const one = inFolder();
    await installReleases([one], place);
    const asked = site.requests.length;
    process.env.ISTIO_GATEWAY_TOOLS = "build";
    assert.equal(isReleased(one, place), false);
    assert.deepEqual(await installReleases([one], place), [one]);
    assert.equal(site.requests.length, asked);
    process.env.ISTIO_GATEWAY_TOOLS = "built";
    await assert.rejects(installReleases([one], place), /ISTIO_GATEWAY_TOOLS is built, expected build/);
  });

  describe("files of modules, without Go", () => {
    const MODULE = "example.test/Charts";
    const NAME = `${MODULE}@v1.2.3`;

    /** A set whose files are in a module, served as a module proxy does. */
    const inModule = async (): Promise<GoSet> => {
      const root = join(folder, "module");
      mkdirSync(join(root, NAME, "crds"), { recursive: true });
      writeFileSync(join(root, NAME, "crds", "a.yaml"), "kind: A\n");
      writeFileSync(join(root, NAME, "crds", "kustomization.yaml"), "");
      writeFileSync(join(root, NAME, "go.mod"), `module ${MODULE}\n`);
      await output("python3", ["-m", "zipfile", "--create", "../module.zip", "example.test"], { cwd: root });
      const script = `find . -type f | cut -c3- | LC_ALL=C sort | xargs -d '\\n' sha256sum | openssl dgst -sha256 -binary | base64`;
      const sum = (await output("sh", ["-c", script], { cwd: root })).trim();
      site.answers.set("/example.test/!charts/@v/v1.2.3.zip", { content: readFileSync(join(folder, "module.zip")) });
      writeFileSync(join(place.sources, "set", "go.mod"), `module a\n\nrequire (\n\t${MODULE} v1.2.3 // indirect\n)\n`);
      const line = `${MODULE} v1.2.3/go.mod h1:other=\n${MODULE} v1.2.3 h1:${sum}\n`;
      writeFileSync(join(place.sources, "set", "go.sum"), `${MODULE} v1.0.0 h1:older=\n${line}`);
      process.env.GOPROXY = `${site.url},direct`;
      return { ...set({}, {}), files: { crds: { module: MODULE, path: "crds/" } } };
    };

    const install = async (one: GoSet) => {
      const target = setFolder(one, place);
      const { sources, tools } = place;
      await installGoSet(one, [], target, { sources, downloads: join(tools, "downloads"), go: undefined });
      return target;
    };

    it("come from the module proxy, and agree with go.sum", async () => {
      const target = await install(await inModule());
      assert.deepEqual(readdirSync(join(target, "crds")), ["a.yaml"]);
      assert.deepEqual(readdirSync(join(target, "..")), [target.split("/").at(-1)]);
    });

    it("are refused if they differ from go.sum", async () => {
      const one = await inModule();
      writeFileSync(join(place.sources, "set", "go.sum"), `${MODULE} v1.2.3 h1:forged=\n`);
      await assert.rejects(
        install(one),
        /^Error: example.test\/Charts v1.2.3 has the checksum h1:.*, go.sum says h1:forged=/,
      );
    });
  });
});
