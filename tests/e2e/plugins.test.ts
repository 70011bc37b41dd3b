import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { providersInUse, PULUMI_HOME } from "../../lab/stacks";
import { PLUGINS, type PluginName } from "../../lab/tools/catalogue";
import { describeProviders, pluginFolder, pluginProgram } from "../../lab/tools/providers";
import { linkPlugin } from "../../lab/tools/pulumi";
import { pulumiOk, theLab } from "./support/lab";

const NAMES = Object.keys(PLUGINS) as PluginName[];

/** Provider plugins that the CLI finds, with their versions. */
async function found(home: string): Promise<Record<string, string>> {
  const listed = await theLab().output(["pulumi", "plugin", "ls", "--json"], { env: { PULUMI_HOME: home } });
  const plugins = JSON.parse(listed) as { name: string; kind: string; version: string }[];
  const resources = plugins.filter(({ kind }) => kind === "resource");
  return Object.fromEntries(resources.map(({ name, version }) => [name, version]));
}

describe("provider plugins", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "pulumi-home-"));
    mkdirSync(join(home, "plugins"));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const programOf = (name: PluginName) =>
    realpathSync(join(PULUMI_HOME, "plugins", pluginFolder(name), pluginProgram(name)));

  it("are found by the CLI in the lab, and are those that status names", async () => {
    assert.deepEqual(await found(PULUMI_HOME), PLUGINS);
    assert.deepEqual(providersInUse(), describeProviders(theLab().tools.providers));
  });

  it("are found and run as the lab links those of somebody else's PULUMI_HOME", async () => {
    for (const name of NAMES) {
      linkPlugin(join(home, "plugins", pluginFolder(name)), pluginProgram(name), programOf(name));
    }
    assert.deepEqual(await found(home), PLUGINS);
    await theLab().prepare("dev");
    const preview = await pulumiOk("dev", ["preview"], { PULUMI_HOME: home });
    assert.match(preview, /^Resources:\n +(\+ \d+ to create|\d+ unchanged)$/m);
  });

  it("would not be found as links to folders", async () => {
    for (const name of NAMES) {
      symlinkSync(join(PULUMI_HOME, "plugins", pluginFolder(name)), join(home, "plugins", pluginFolder(name)));
    }
    assert.equal(readdirSync(join(home, "plugins")).length, NAMES.length);
    assert.deepEqual(await found(home), {});
  });
});
