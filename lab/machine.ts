import { existsSync, readFileSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { cacheFolder } from "./paths";
import { run, UserError } from "./processes";

/** What the checks read from the machine; replaced in tests. */
export interface Machine {
  readonly platform: string;
  readonly architecture: string;
  readonly nodeVersion: string;
  /** Whether a program exits with 0. */
  succeeds(command: string, args: readonly string[]): Promise<boolean>;
  /** Free disk space for the cache. Unit: GiB. */
  freeGib(): number;
}

/** Needed for the first build of the tools, and afterwards. Unit: GiB. */
const FIRST_BUILD_GIB = 8;
const CACHED_GIB = 1;

/** Linking kube-apiserver was seen to take so much. Unit: GiB. */
const BUILD_MEMORY_GIB = 2.1;

const OLDEST_NODE = [20, 19] as const;

const PROGRAMS: readonly (readonly [program: string, flag: string, debianPackage: string])[] = [
  ["unshare", "--version", "util-linux"],
  ["nsenter", "--version", "util-linux"],
  ["ip", "-V", "iproute2"],
  ["curl", "--version", "curl"],
  ["openssl", "version", "openssl"],
];

/** One line for each thing that the lab needs and the machine lacks, with the fix. */
export async function machineProblems(machine: Machine, toolsAreCached: boolean): Promise<string[]> {
  if (machine.platform !== "linux" || !["x64", "arm64"].includes(machine.architecture)) {
    return [
      `the lab runs on Linux x64 or arm64, not on ${machine.platform} ${machine.architecture}: use such a machine`,
    ];
  }
  const problems: string[] = [];
  const [major = 0, minor = 0] = machine.nodeVersion.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    problems.push(`Node ${machine.nodeVersion} is too old: install Node ${OLDEST_NODE.join(".")} or newer`);
  }
  for (const [program, flag, debianPackage] of PROGRAMS) {
    if (!(await machine.succeeds(program, [flag]))) {
      problems.push(`${program} is missing: apt-get install ${debianPackage}`);
    }
  }
  if (!toolsAreCached && !(await machine.succeeds("python3", ["-c", PYTHON_PROBE]))) {
    problems.push("Python 3.9 or newer with venv is missing: apt-get install python3 python3-venv");
  }
  if (!(await machine.succeeds("unshare", ["-r", "-n", "-m", "-p", "--fork", "true"]))) {
    problems.push(
      "user namespaces are not allowed: sysctl -w user.max_user_namespaces=10000 (Debian: kernel.unprivileged_userns_clone=1, Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0)",
    );
  }
  const needed = toolsAreCached ? CACHED_GIB : FIRST_BUILD_GIB;
  const free = machine.freeGib();
  if (free < needed) {
    problems.push(
      `${free.toFixed(1)} GiB are free for the cache, ${needed} are needed: free up space, or set ISTIO_GATEWAY_CACHE to a folder on another disk`,
    );
  }
  return problems;
}

/** One line if there is too little memory to build the tools. Not an error: the system may find more. */
export function memoryProblem(meminfo = readFileSync("/proc/meminfo", "utf8")): string | undefined {
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0);
  const available = (kib("MemAvailable") + kib("SwapFree")) / 2 ** 20;
  return available < BUILD_MEMORY_GIB
    ? `${available.toFixed(1)} GiB of memory are available, the builds need up to ${BUILD_MEMORY_GIB}: if they fail, end other programs and start again`
    : undefined;
}

const PYTHON_PROBE = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";

/** @throws UserError with every problem of this machine, one line each. */
export async function checkMachine(toolsAreCached: boolean): Promise<void> {
  const problems = await machineProblems(thisMachine, toolsAreCached);
  if (problems.length > 0) {
    throw new UserError(problems.join("\n"));
  }
}

const thisMachine: Machine = {
  platform: process.platform,
  architecture: process.arch,
  nodeVersion: process.versions.node,
  succeeds: (command, args) =>
    run(command, args, { timeoutMs: 20_000 }).then(
      ({ code }) => code === 0,
      () => false,
    ),
  freeGib: () => {
    let folder = cacheFolder();
    while (!existsSync(folder)) {
      folder = dirname(folder);
    }
    const { bavail, bsize } = statfsSync(folder);
    return (bavail * bsize) / 2 ** 30;
  },
};
