import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, closeSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "./images";

/** Everything needed to run a container, with all references resolved. */
export interface ContainerRun {
  readonly program: Program;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders by mount path. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly readOnly: boolean;
  /** An empty folder to use as the container's root. */
  readonly root: string;
  /** Mounted as /etc/hosts. */
  readonly hostsFile: string;
  readonly logFile: string;
}

/**
 * Gives the container its own root: the machine's programs and libraries, an /etc that contains only hosts, and its
 * volumes. $1 is the root, $2 the hosts file, $3 the program's folder, $4 `ro` or `rw`; SOURCE TARGET pairs follow up
 * to `--`, then the command.
 */
const SET_UP = `
root=$1 hosts=$2 folder=$3 mode=$4; shift 4
mount -t tmpfs none "$root"
for name in bin sbin lib lib32 lib64; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/$name"
  elif [ -d "/$name" ]; then mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; fi
done
for name in usr dev proc; do mkdir "$root/$name"; mount --rbind "/$name" "$root/$name"; done
mkdir -p "$root/etc" "$root$folder"
touch "$root/etc/hosts"
mount --bind "$hosts" "$root/etc/hosts"
mount --bind "$folder" "$root$folder"
while [ "$1" != -- ]; do
  mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2
done
shift
[ "$mode" = rw ] || mount -o remount,ro,bind "$root"
exec chroot "$root" "$@"
`;

/** Starts a container's program in a Pod's network namespace. The child's pid is the program's own. */
export function startContainer(network: number, run: ContainerRun): ChildProcess {
  mkdirSync(run.root, { recursive: true });
  const log = openSync(run.logFile, "a");
  const mounts = Object.entries(run.mounts).flatMap(([target, source]) => [source, target]);
  const setUp = [run.root, run.hostsFile, run.program.folder, run.readOnly ? "ro" : "rw", ...mounts, "--"];
  const inside = ["nsenter", `--net=/proc/${network}/ns/net`, "unshare", "--mount", "--propagation", "private"];
  const [command = "", ...args] = [...inside, "sh", "-ec", SET_UP, "sh", ...setUp, run.program.path, ...run.args];
  const child = spawn(command, args, {
    stdio: ["ignore", log, log],
    env: { PATH: process.env.PATH, ...run.env },
  });
  closeSync(log);
  return child;
}

/** Writes a volume as a kubelet does, with files that are links through `..data`. Returns its folder. */
export function writeVolume(folder: string, files: Readonly<Record<string, string | Buffer>>): string {
  mkdirSync(join(folder, "..1"), { recursive: true, mode: 0o700 });
  symlinkSync("..1", join(folder, "..data"));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, "..1", name), content, { mode: 0o600 });
    symlinkSync(join("..data", name), join(folder, name));
  }
  return folder;
}

/** A Pod's network: a namespace with one address and a link to the lab's. Returns the process that holds it. */
export async function startNetwork(number: number, address: string, run: (script: string) => Promise<void>) {
  const holder = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
  const { pid } = holder;
  if (pid === undefined) {
    throw new Error("unshare is missing");
  }
  await run(`
    for try in 1 2 3 4 5 6 7 8 9 10; do
      [ "$(readlink /proc/${pid}/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
      sleep 0.1
    done
    ip link add pod${number} type veth peer name eth0 netns ${pid}
    ip address add 169.254.1.1/32 dev pod${number}
    ip link set pod${number} up
    ip route replace ${address}/32 dev pod${number}
    nsenter --net=/proc/${pid}/ns/net sh -ec '
      ip link set lo up
      ip address add ${address}/32 dev eth0
      ip link set eth0 up
      ip route add 169.254.1.1 dev eth0
      ip route add default via 169.254.1.1 dev eth0
    '`);
  return { pid, end: () => holder.kill("SIGKILL") };
}
