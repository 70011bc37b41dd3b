import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { labFolder } from "../../lab/paths";
import { GO_MODULE_RELEASE, PLUGINS, type PluginName } from "../../lab/tools/catalogue";
import {
  describeProviders,
  findProviders,
  pluginFolder,
  pluginProgram,
  standIns,
  usersHomes,
  type PluginSources,
} from "../../lab/tools/providers";
import { linkPlugin, scriptPlugin } from "../../lab/tools/pulumi";

const NAMES = Object.keys(PLUGINS) as PluginName[];

describe("lab/tools/providers", () => {
  let folder: string;
  let downloads: PluginName[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "providers-"));
    downloads = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const sources = (given: Partial<PluginSources> = {}): PluginSources => ({
    choice: undefined,
    path: [join(folder, "bin"), ""].join(":"),
    homes: [join(folder, "tools"), join(folder, "user")],
    goModule: undefined,
    download: (name) => Promise.resolve(void downloads.push(name)),
    ...given,
  });

  /** Puts a program where the CLI would install it, and returns its path. */
  function install(home: string, name: PluginName): string {
    const path = join(folder, home, "plugins", pluginFolder(name), pluginProgram(name));
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "official");
    return path;
  }

  it("finds official plugins on PATH, then among the tools' own, then the user's", async () => {
    const users = NAMES.map((name) => install("user", name));
    const tools = install("tools", "tls");
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "bin", "pulumi-resource-random"), "official");
    assert.deepEqual(await findProviders(sources()), {
      kubernetes: { kind: "official", program: users[NAMES.indexOf("kubernetes")] },
      random: { kind: "official", program: join(folder, "bin", "pulumi-resource-random") },
      tls: { kind: "official", program: tools },
    });
    assert.deepEqual(downloads, []);
  });

  it("downloads what is not there, and uses stand-ins for what cannot be downloaded", async () => {
    const download = (name: PluginName) => {
      downloads.push(name);
      if (name === "tls") {
        install("tools", name);
      }
      return Promise.resolve();
    };
    const providers = await findProviders(sources({ download }));
    assert.deepEqual(downloads, NAMES);
    assert.deepEqual(standIns(providers), ["kubernetes", "random"]);
    assert.equal(providers.tls.kind, "official");
  });

  it("does not take an interrupted installation for a plugin", async () => {
    const program = install("user", "tls");
    writeFileSync(`${join(program, "..")}.partial`, "");
    assert.deepEqual((await findProviders(sources())).tls, { kind: "stand-in" });
    assert.ok(downloads.includes("tls"));
  });

  it("uses what is chosen, or fails if that is not there", async () => {
    NAMES.forEach((name) => install("user", name));
    assert.deepEqual(standIns(await findProviders(sources({ choice: "stand-in" }))), NAMES);
    assert.deepEqual(standIns(await findProviders(sources({ choice: "official" }))), []);
    const built = await findProviders(sources({ choice: "go-module", goModule: "/built" }));
    assert.deepEqual(built.kubernetes, { kind: "go-module", program: "/built" });
    assert.equal(built.tls.kind, "official");
    assert.equal((await findProviders(sources({ goModule: "/built" }))).kubernetes.kind, "official");
    assert.deepEqual(downloads, []);

    const fails = (given: Partial<PluginSources>, message: string) =>
      assert.rejects(findProviders(sources(given)), { message });
    rmSync(join(folder, "user"), { recursive: true });
    install("user", "random");
    await fails(
      { choice: "official" },
      "ISTIO_GATEWAY_PROVIDERS is official, but there are no official plugins for kubernetes, tls",
    );
    await fails(
      { choice: "go-module" },
      "the Kubernetes provider is not built: run npm run tools -- kubernetes-provider",
    );
    await fails({ choice: "standin" }, "ISTIO_GATEWAY_PROVIDERS is standin, expected official, go-module or stand-in");
  });

  it("says which plugin each provider is", () => {
    const program = join("/home/u/.pulumi/plugins", pluginFolder("tls"), "pulumi-resource-tls");
    assert.deepEqual(
      describeProviders({
        kubernetes: { kind: "go-module", program: "/built" },
        random: { kind: "official", program: "/usr/bin/pulumi-resource-random" },
        tls: { kind: "official", program },
      }),
      [
        `provider kubernetes official ${GO_MODULE_RELEASE}, built from its Go module, though it says ${PLUGINS.kubernetes}`,
        "provider random     official, from PATH: /usr/bin/pulumi-resource-random",
        `provider tls        official ${PLUGINS.tls}: ${program}`,
      ],
    );
    const standIn = { kind: "stand-in" } as const;
    assert.deepEqual(describeProviders({ kubernetes: standIn, random: standIn, tls: standIn }), [
      `provider kubernetes stand-in for ${PLUGINS.kubernetes}`,
      `provider random     stand-in for ${PLUGINS.random}`,
      `provider tls        stand-in for ${PLUGINS.tls}`,
    ]);
  });

  it("looks in the user's PULUMI_HOME too, but not in that of the lab, which holds stand-ins", () => {
    const usual = join(homedir(), ".pulumi");
    assert.deepEqual(usersHomes({}), [usual]);
    assert.deepEqual(usersHomes({ PULUMI_HOME: "/elsewhere" }), ["/elsewhere", usual]);
    assert.deepEqual(usersHomes({ PULUMI_HOME: join(labFolder(), "pulumi-home") }), [usual]);
  });

  describe("a plugin's folder", () => {
    let program: string;
    let plugin: string;
    beforeEach(() => {
      program = install("user", "tls");
      plugin = join(folder, "home", "plugins", pluginFolder("tls"));
    });
    const inPlugin = () => join(plugin, "pulumi-resource-tls");
    const isRealFolder = () => lstatSync(plugin).isDirectory();

    it("is a real folder, which the CLI does not skip, with a link to the program", () => {
      linkPlugin(plugin, "pulumi-resource-tls", program);
      assert.ok(isRealFolder());
      assert.ok(lstatSync(inPlugin()).isSymbolicLink());
      assert.equal(readFileSync(inPlugin(), "utf8"), "official");
    });

    it("takes the place of a link to a folder, as earlier versions made it", () => {
      mkdirSync(join(plugin, ".."), { recursive: true });
      symlinkSync(join(program, ".."), plugin);
      linkPlugin(plugin, "pulumi-resource-tls", program);
      assert.ok(isRealFolder());
      assert.equal(readFileSync(program, "utf8"), "official");
    });

    it("changes between an official plugin and a stand-in without touching the former", () => {
      linkPlugin(plugin, "pulumi-resource-tls", program);
      scriptPlugin(plugin, "pulumi-resource-tls", "exec stand-in");
      assert.equal(readFileSync(inPlugin(), "utf8"), "#!/bin/sh\nexec stand-in\n");
      assert.equal(readFileSync(program, "utf8"), "official");
      linkPlugin(plugin, "pulumi-resource-tls", program);
      assert.equal(readFileSync(inPlugin(), "utf8"), "official");

      rmSync(plugin, { recursive: true });
      symlinkSync(join(program, ".."), plugin);
      scriptPlugin(plugin, "pulumi-resource-tls", "exec stand-in");
      assert.ok(isRealFolder());
      assert.equal(readFileSync(program, "utf8"), "official");
    });
  });
});
