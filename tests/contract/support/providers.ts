import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installStandIns } from "../../../lab/standIns";
import { ensureTools, type Tools } from "../../../lab/tools";
import { GO_MODULE_RELEASE, PLUGINS, type PluginName } from "../../../lab/tools/catalogue";
import { pluginFolder, pluginProgram } from "../../../lab/tools/providers";

/** A provider's plugin. */
export interface Provider {
  readonly program: string;
  /** What it is, for people. */
  readonly description: string;
  /** Its release: cases that are younger must fail. */
  readonly release: string;
}

/** `PROVIDER_NAME` names a plugin's program, and `PROVIDER_NAME_RELEASE` its release if that is not the pinned one. */
function chosen(name: PluginName): Provider | undefined {
  const variable = `PROVIDER_${name.toUpperCase()}`;
  const program = process.env[variable];
  const release = process.env[`${variable}_RELEASE`] ?? PLUGINS[name];
  return program === undefined ? undefined : { program, release, description: `${program}, release ${release}` };
}

/** The plugins to hold to the contract: those that variables name, else those that the lab would use. */
export class Providers {
  private readonly home = mkdtempSync(join(tmpdir(), "gateway-contract-plugins-"));

  private constructor(readonly tools: Tools) {
    process.once("exit", this.remove);
    installStandIns(tools.standIns, join(this.home, "plugins"));
  }

  static async find(): Promise<Providers> {
    return new Providers(await ensureTools());
  }

  readonly remove = (): void => rmSync(this.home, { recursive: true, force: true });

  get(name: PluginName): Provider {
    const provider = this.tools.providers[name];
    const given = chosen(name);
    if (given !== undefined) {
      return given;
    }
    switch (provider.kind) {
      case "stand-in":
        return {
          program: join(this.home, "plugins", pluginFolder(name), pluginProgram(name)),
          description: `the stand-in for ${PLUGINS[name]}`,
          release: PLUGINS[name],
        };
      case "go-module":
        return {
          program: provider.program,
          description: `${provider.program}, built from the Go module, release ${GO_MODULE_RELEASE}`,
          release: GO_MODULE_RELEASE,
        };
      case "official":
        return { program: provider.program, description: provider.program, release: PLUGINS[name] };
    }
  }
}
