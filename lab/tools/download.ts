import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, createReadStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { lastLine, run, UserError } from "../processes";
import { ARCHITECTURE, type Archive, type Image, type Release } from "./catalogue";

/** How long to wait for a connection before a server counts as unreachable. Unit: seconds. */
const REACH_TIMEOUT_S = 5;
/** For a checksum file or a manifest as a whole. Unit: seconds. */
const TEXT_TIMEOUT_S = 10;
/** A download that is slower than 1 KiB/s for so long has failed. Unit: seconds. */
const STALL_TIMEOUT_S = 30;

/** How to build from source in spite of a release that can be reached. */
export const BUILD_VARIABLE = "ISTIO_GATEWAY_TOOLS";

/** A release, or a part of it, cannot be had: the same programs can be built. */
export class Unavailable extends Error {}

/** A file whose checksum is known. */
interface Source {
  readonly url: string;
  readonly sha256: string;
  /** Asked for right before the download: a registry's tokens are good for some minutes only. */
  readonly headers?: () => Promise<readonly string[] | undefined>;
}

/** A part of a release that can be reached. */
export interface Part {
  /** Path of each program in one of the sources. An empty path is the source itself. */
  readonly programs: Readonly<Record<string, string>>;
  /** In the order in which to look. */
  readonly sources: readonly Source[];
}

/**
 * Checksums and addresses of everything in a release, or undefined if any of its servers cannot be reached.
 * @throws UserError if an image differs from its pinned digest.
 */
export async function findRelease(release: Release, programs: readonly string[]): Promise<Part[] | undefined> {
  const { folder, archives = [], images = [] } = release;
  const files = folder === undefined ? [] : programs.map((name) => fileOf(folder, name));
  const parts = await Promise.all([...[...files, ...archives].map(findArchive), ...images.map(findImage)]);
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

function fileOf(folder: string, name: string): Archive {
  return { url: `${folder}${name}`, checksums: `${folder}${name}.sha256`, programs: { [name]: "" } };
}

async function findArchive({ url, checksums, programs }: Archive): Promise<Part | undefined> {
  const sha256 = checksumOf(basename(url), (await read(checksums)) ?? "");
  return sha256 === undefined ? undefined : { programs, sources: [{ url, sha256 }] };
}

/** A checksum file has a line for each file, or the checksum of the only file and nothing else. */
function checksumOf(file: string, text: string): string | undefined {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+\*?/));
  const [sha256] = lines.find(([, name]) => name === file) ?? (/^[0-9a-f]+\s*$/.test(text) ? (lines[0] ?? []) : []);
  return sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined;
}

interface Manifest {
  readonly manifests?: readonly {
    readonly digest: string;
    readonly platform?: { readonly os: string; readonly architecture: string };
  }[];
  readonly layers?: readonly { readonly digest: string }[];
}

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/** Follows the OCI distribution specification: token, index, manifest of this architecture, layers. */
async function findImage({ repository, reference, programs }: Image): Promise<Part | undefined> {
  const authorization = await authorize(`${repository}/manifests/${reference}`);
  if (authorization === undefined) {
    return undefined;
  }
  const manifest = async (name: string) => {
    const url = `${repository}/manifests/${name}`;
    const text = await read(url, [...authorization, `Accept: ${MANIFESTS.join(", ")}`]);
    if (text !== undefined && name.startsWith("sha256:")) {
      check(url, createHash("sha256").update(text).digest("hex"), name.slice("sha256:".length));
    }
    return parse<Manifest>(text ?? "{}");
  };
  const { manifests = [] } = await manifest(reference);
  const mine = manifests.find(({ platform }) => platform?.os === "linux" && platform.architecture === ARCHITECTURE);
  const { layers } = mine === undefined ? { layers: undefined } : await manifest(mine.digest);
  if (layers?.every(({ digest }) => /^sha256:[0-9a-f]{64}$/.test(digest)) !== true) {
    return undefined;
  }
  // The last layers are the image's own, and those below them its base.
  const sources = layers.toReversed().map(({ digest }) => {
    const url = `${repository}/blobs/${digest}`;
    return { url, sha256: digest.slice("sha256:".length), headers: () => authorize(url) };
  });
  return { programs, sources };
}

/** The header that a registry wants, if it wants any: it answers without one by saying where tokens are given. */
async function authorize(url: string): Promise<string[] | undefined> {
  const { code, stdout } = await curl(["--output", "/dev/null", "--dump-header", "-", ...textLimits(), url]);
  if (code !== 0) {
    return undefined;
  }
  const [, challenge] = /^www-authenticate: *bearer +(.*)$/im.exec(stdout) ?? [];
  if (challenge === undefined) {
    return [];
  }
  const { realm = "", ...query } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
  );
  const answer = await read(`${realm}?${new URLSearchParams(query).toString()}`);
  const { token, access_token: accessToken = token } = parse<{ token?: string; access_token?: string }>(answer ?? "{}");
  return accessToken === undefined ? undefined : [`Authorization: Bearer ${accessToken}`];
}

/** Something that answers in a registry's place, such as a login page, has nothing for us. */
function parse<T extends object>(text: string): Partial<T> {
  try {
    return JSON.parse(text) as Partial<T>;
  } catch {
    return {};
  }
}

/**
 * Downloads what `findRelease` found, and puts the programs into a folder.
 * @throws Unavailable if something cannot be downloaded, or is not where it should be.
 * @throws UserError if a checksum differs.
 */
export async function installParts(parts: readonly Part[], folder: string, downloads: string): Promise<void> {
  for (const { programs, sources } of parts) {
    let missing = Object.entries(programs);
    for (const source of sources) {
      if (missing.length > 0) {
        const file = await download(source, downloads);
        missing = await take(file, missing, folder);
      }
    }
    for (const [name] of missing) {
      throw new Unavailable(`${sources[0]?.url ?? "the image"} has no ${name}`);
    }
  }
}

/** Copies programs out of a download, and returns those that are not in it. */
async function take(file: string, programs: [string, string][], folder: string): Promise<[string, string][]> {
  const scratch = join(folder, ".scratch");
  const missing: [string, string][] = [];
  for (const [name, path] of programs) {
    const found = path === "" ? file : await extract(file, path, scratch);
    if (found === undefined) {
      missing.push([name, path]);
    } else {
      copyFileSync(found, join(folder, name));
      chmodSync(join(folder, name), 0o755);
    }
  }
  rmSync(scratch, { recursive: true, force: true });
  return missing;
}

/** Path of a file of an archive or a layer, whose names may begin with `./`. */
async function extract(archive: string, path: string, scratch: string): Promise<string | undefined> {
  const entries = (await tar(["-tf", archive])).split("\n");
  const entry = entries.find((candidate) => candidate.replace(/^\.?\//, "") === path);
  if (entry === undefined) {
    return undefined;
  }
  mkdirSync(scratch, { recursive: true });
  await tar(["-xf", archive, "-C", scratch, "--no-same-owner", entry]);
  return join(scratch, path);
}

/** A tar that cannot read a download, such as one without zstd, is no reason to stop. */
async function tar(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run("tar", args);
  if (code !== 0) {
    throw new Unavailable(`tar ${args.join(" ")}: ${lastLine(stderr)}`);
  }
  return stdout;
}

/** curl's exit codes of a server that refuses: perhaps it cannot continue a download, or has nothing left to send. */
const REFUSED = [22, 33];
const ATTEMPTS = 3;

/** Downloads a file once: what is there is not fetched again, and what an interruption left is continued. */
export async function download({ url, sha256, headers }: Source, folder: string): Promise<string> {
  const file = join(folder, sha256);
  if (existsSync(file)) {
    return file;
  }
  const part = `${file}.part`;
  const isContinued = existsSync(part);
  const ready = (await headers?.()) ?? [];
  await fetchTo(part, url, ready);
  if (isContinued && (await hashOf(part)) !== sha256) {
    rmSync(part);
    await fetchTo(part, url, ready);
  }
  const actual = await hashOf(part);
  if (actual !== sha256) {
    rmSync(part);
  }
  check(url, actual, sha256);
  renameSync(part, file);
  return file;
}

/** Downloads to a file, from where it ends. @throws Unavailable */
export async function fetchTo(file: string, url: string, headers: readonly string[] = []): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const limits = [...connectLimit(), "--speed-limit", "1024", "--speed-time", `${STALL_TIMEOUT_S}`];
  for (let attempt = 1; ; attempt += 1) {
    const words = ["--fail", "--continue-at", "-", "--output", file, ...limits, ...headersOf(headers), url];
    const { code, stderr } = await curl(words);
    if (code === 0) {
      return;
    }
    if (REFUSED.includes(code)) {
      rmSync(file, { force: true });
    }
    if (attempt === ATTEMPTS) {
      throw new Unavailable(`${url}: ${stderr.trim()}`);
    }
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

function check(url: string, actual: string, expected: string): void {
  if (actual !== expected) {
    throw new UserError(
      `${url} has SHA-256 ${actual}, expected ${expected}: try again later, or build it with ${BUILD_VARIABLE}=build`,
    );
  }
}

/** A small text, or undefined if there is none to be had. */
async function read(url: string, headers: readonly string[] = []): Promise<string | undefined> {
  const { code, stdout } = await curl(["--fail", ...textLimits(), ...headersOf(headers), url]);
  return code === 0 ? stdout : undefined;
}

const connectLimit = () => ["--connect-timeout", `${REACH_TIMEOUT_S}`];

const textLimits = () => [...connectLimit(), "--max-time", `${TEXT_TIMEOUT_S}`];

const headersOf = (headers: readonly string[]) => headers.flatMap((header) => ["--header", header]);

/** curl, because it goes through a company's proxy, and Node's fetch does not. */
function curl(args: readonly string[]) {
  return run("curl", ["--silent", "--show-error", "--location", "--proto", "=https,http", ...args]);
}
