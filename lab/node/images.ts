import { basename, dirname, join } from "node:path";

/** What replaces a container's image: the machine's own system, and the lab's programs. */
export interface Image {
  /** The program that runs if the container has no command. */
  readonly entrypoint: string;
  /** Files and folders by their path in the container. */
  readonly files: Readonly<Record<string, string>>;
}

/** Paths of the lab's programs and of the files beside them, by name. */
export type Programs = Readonly<Record<string, string>>;

const BIN = "/usr/local/bin";

interface Contents {
  readonly programs: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** The tag is a release of Istio, and the programs are that release's. */
  readonly isIstio?: boolean;
}

/** The lab's programs for each image, by the last part of the image's name; the first is the entry point. */
const IMAGES: Readonly<Record<string, Contents>> = {
  "cert-manager-acmesolver": { programs: ["acmesolver"] },
  coredns: { programs: ["coredns"] },
  // The lab's echo server, from the repository.
  echo: { programs: ["node"], files: { "/repository": "repository" } },
  "echo-basic": { programs: ["echo-basic"] },
  pilot: { programs: ["pilot-discovery"], isIstio: true },
  proxyv2: {
    isIstio: true,
    // nft is for istio-init.
    programs: ["pilot-agent", "envoy", "nft"],
    files: { "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json": "envoy-bootstrap" },
  },
  ratelimit: { programs: ["ratelimit"] },
  redis: { programs: ["redis-server"] },
};

/** Name of a program of a release of Istio. @param version Such as 1.30, 1.30.2 or 1.30.2-distroless. */
export function ofRelease(program: string, version: string): string {
  const [minor = version] = /^\d+\.\d+/.exec(version) ?? [];
  return `${program}@${minor}`;
}

/** The image of a name such as `docker.io/library/redis:7.2`. @throws Error if the lab has none. */
export function imageOf(name: string, programs: Programs): Image {
  const [, last = "", tag = ""] = /([^/:@]+)(?::([^/]*))?(?:@.*)?$/.exec(name) ?? [];
  const image = IMAGES[last];
  const [entrypoint = ""] = image?.programs ?? [];
  const path = (program: string) => {
    const found = programs[image?.isIstio === true ? ofRelease(program, tag) : program];
    if (found === undefined) {
      throw new Error(`the lab has no ${program} for the image ${name}`);
    }
    return found;
  };
  if (image === undefined) {
    throw new Error(`the lab has no program for the image ${name}`);
  }
  const files = image.programs.map((program) => [join(BIN, program), path(program)] as const);
  const others = Object.entries(image.files ?? {}).map(([target, file]) => [target, path(file)] as const);
  return { entrypoint: join(BIN, entrypoint), files: Object.fromEntries([...files, ...others]) };
}

/**
 * The program that a container's command names. An image's own paths are not in the lab: `/bin/ratelimit` is the program
 * of that name.
 */
export function commandOf({ entrypoint, files }: Image, command: readonly string[] = []): string[] {
  const [first, ...rest] = command;
  if (first === undefined) {
    return [entrypoint];
  }
  const own = join(BIN, basename(first));
  return [own in files ? own : first, ...rest];
}

/** Folders that must be visible at their own paths: a program may load libraries from beside it. */
export function foldersOf({ files }: Image): string[] {
  return [...new Set(Object.values(files).map((path) => dirname(path)))];
}
