import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { foldersOf, type Image } from "./images";

/** Everything needed to run a program in a container, with all references resolved. */
export interface ContainerRun {
  readonly image: Image;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders by mount path. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly readOnly: boolean;
  /** An empty folder to use as the container's root. */
  readonly root: string;
  /** Files of its /etc, by name. */
  readonly etc: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/**
 * Gives the container its own root: the machine's programs and libraries, an /etc and a /usr/local of its own, its image's
 * files and its volumes. $1 is the root, $2 `ro` or `rw`; SOURCE TARGET pairs follow up to `--`, then the command.
 */
const SET_UP = `
root=$1 mode=$2; shift 2
mount -t tmpfs none "$root"
for name in bin sbin lib lib32 lib64; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/$name"
  elif [ -d "/$name" ]; then mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; fi
done
for name in usr dev proc; do mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; done
mount -t tmpfs none "$root/usr/local"
mkdir -p "$root/tmp"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; touch "$root$2"; fi
  mount --bind "$1" "$root$2"; shift 2
done
shift
[ "$mode" = rw ] || mount -o remount,ro,bind "$root"
exec chroot "$root" "$@"
`;

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Starts a container's program in a Pod's network namespace. The child's pid is the program's own. */
export function startContainer(network: number, run: ContainerRun): ChildProcess {
  mkdirSync(run.root, { recursive: true });
  const log = openSync(run.logFile, "a");
  const pairs = [
    ...Object.entries(run.etc).map(([name, path]) => [path, `/etc/${name}`]),
    ...foldersOf(run.image).map((folder) => [folder, folder]),
    ...Object.entries(run.image.files).map(([target, source]) => [source, target]),
    // A volume may be mounted inside another.
    ...Object.entries(run.mounts)
      .sort(([a], [b]) => a.length - b.length)
      .map(([target, source]) => [source, target]),
  ].flat();
  const inside = ["nsenter", `--net=/proc/${network}/ns/net`, "unshare", "--mount", "--propagation", "private"];
  const [command = "", ...args] = [
    ...[...inside, "sh", "-ec", SET_UP, "sh", run.root, run.readOnly ? "ro" : "rw", ...pairs, "--"],
    ...run.command,
  ];
  const env = { PATH, HOME: "/", ...run.env };
  const child = spawn(command, args, { stdio: ["ignore", log, log], env, detached: true });
  closeSync(log);
  // What the program has started ends with it, as in the PID namespace of a container.
  child.once("exit", () => endAll(child));
  return child;
}

/** Ends a container's program and everything that it has started, by force. */
export function endAll({ pid }: ChildProcess): void {
  try {
    // Its process group: `detached` made it the leader of one.
    process.kill(-(pid ?? NaN), "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

/** Runs a command in a running container. Returns its exit code; 124 if it took too long. */
export function executeIn(container: number, command: readonly string[], timeoutSeconds: number): Promise<number> {
  const inside = ["--preserve-credentials", "-n", "-m", "--root", "-t", String(container)];
  const child = spawn("timeout", [String(timeoutSeconds), "nsenter", ...inside, ...command], {
    stdio: "ignore",
    env: { PATH },
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (code) => resolve(code ?? 137));
  });
}
