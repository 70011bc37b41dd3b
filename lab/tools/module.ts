import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { output, UserError } from "../processes";
import { fetchTo } from "./download";

/** Unpacked module, in the version of a go.mod: from Go's own cache or, on a machine without Go, from the module proxy. */
export async function moduleFolder(
  module: string,
  goMod: string,
  go: string | undefined,
  scratch: string,
): Promise<string> {
  if (go !== undefined) {
    const env = { ...process.env, GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "-mod=readonly" };
    const answer = await output(go, ["mod", "download", "-json", module], { cwd: goMod, env });
    return (JSON.parse(answer) as { Dir: string }).Dir;
  }
  const version = moduleVersion(module, goMod);
  const expected = lineAfter(`${module} ${version} `, join(goMod, "go.sum"));
  const folder = join(scratch, module.replaceAll("/", "-"));
  const zip = `${folder}.zip`;
  await fetchTo(zip, `${goProxy()}/${escape(module)}/@v/${escape(version)}.zip`);
  await output("python3", ["-m", "zipfile", "--extract", zip, folder]);
  const actual = hash1(folder);
  if (actual !== expected) {
    throw new UserError(`${module} ${version} has the checksum ${actual}, go.sum says ${expected}: try again later`);
  }
  return join(folder, `${module}@${version}`);
}

/** Version of a module that a go.mod requires. */
export function moduleVersion(module: string, goMod: string): string {
  return lineAfter(`${module} `, join(goMod, "go.mod")).split(" ")[0] ?? "";
}

function lineAfter(start: string, file: string): string {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.replace(/^(\t|require )/, ""));
  const line = lines.find((candidate) => candidate.startsWith(start));
  if (line === undefined) {
    throw new Error(`${file} has no line ${start}`);
  }
  return line.slice(start.length);
}

function goProxy(env: NodeJS.ProcessEnv = process.env): string {
  const proxies = (env.GOPROXY ?? "").split(/[,|]/);
  return proxies.find((proxy) => proxy.startsWith("http")) ?? "https://proxy.golang.org";
}

/** Capitals in paths and versions, as the module proxy's protocol writes them. */
function escape(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}

/** The checksum of go.sum: of the sorted list of all files and their checksums. */
function hash1(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const list = createHash("sha256");
  const names = files.map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  for (const name of names.sort()) {
    const hash = createHash("sha256").update(readFileSync(join(folder, name)));
    list.update(`${hash.digest("hex")}  ${name}\n`);
  }
  return `h1:${list.digest("base64")}`;
}
