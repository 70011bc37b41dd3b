import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify, isAlive, type ProcessId } from "./namespaces";
import { labFolder } from "./paths";
import { UserError } from "./processes";
import type { IstioVersion } from "./tools/catalogue";

export interface BackendState {
  readonly namespace: string;
  readonly service: string;
  readonly ports: readonly number[];
  /** Those that a stack calls by name. */
  readonly names?: Readonly<Record<string, number>>;
  /** Protocol of its ports. */
  readonly protocol: "http" | "grpc" | "tls" | "grpc-tls";
  readonly address: string;
  /** Labels of its pod, if the stack's own Service selects it; otherwise the lab creates the Service. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Addresses of additional endpoints. */
  readonly replicas?: readonly string[];
}

/** The state of a running lab. */
export interface LabState {
  readonly holder: ProcessId;
  readonly istio: IstioVersion;
  /** By name. */
  readonly daemons: Record<string, ProcessId>;
  readonly backends: BackendState[];
  /** Addresses of host names, for the lab's /etc/hosts. */
  readonly hosts: Record<string, string>;
}

const FOLDER = labFolder();
const STATE_FILE = join(FOLDER, "state.json");
const LOCK_FILE = `${FOLDER}.lock`;

/** A path in the lab's folder. */
export function labPath(...segments: string[]): string {
  return join(FOLDER, ...segments);
}

/** The running lab's state, or undefined if none is running. Leftovers of a dead lab are ignored. */
export function readState(): LabState | undefined {
  if (!existsSync(STATE_FILE)) {
    return undefined;
  }
  const state = JSON.parse(readFileSync(STATE_FILE, "utf8")) as LabState;
  return isAlive(state.holder) ? state : undefined;
}

export function writeState(state: LabState): void {
  writeFileSync(`${STATE_FILE}.new`, JSON.stringify(state, null, 2));
  renameSync(`${STATE_FILE}.new`, STATE_FILE);
}

/** Creates an empty folder for a new lab, readable only by its owner because it holds keys. */
export function freshFolder(): void {
  removeFolder();
  mkdirSync(join(FOLDER, "logs"), { recursive: true, mode: 0o700 });
}

export function removeFolder(): void {
  rmSync(FOLDER, { recursive: true, force: true });
}

/** Runs `body` while no other process starts, changes or ends the lab. @throws UserError with the other process's pid. */
export async function locked<T>(body: () => Promise<T>): Promise<T> {
  mkdirSync(join(FOLDER, ".."), { recursive: true });
  for (;;) {
    try {
      const lock = openSync(LOCK_FILE, "wx", 0o600);
      writeFileSync(lock, JSON.stringify(identify(process.pid)));
      closeSync(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
      const owner = lockOwner();
      if (owner !== undefined && isAlive(owner)) {
        throw new UserError(`another lab command is running with pid ${owner.pid}: wait for it, or end it`);
      }
      rmSync(LOCK_FILE, { force: true });
    }
  }
  const unlock = () => rmSync(LOCK_FILE, { force: true });
  process.once("exit", unlock);
  try {
    return await body();
  } finally {
    unlock();
    process.off("exit", unlock);
  }
}

function lockOwner(): ProcessId | undefined {
  try {
    return JSON.parse(readFileSync(LOCK_FILE, "utf8")) as ProcessId;
  } catch {
    return undefined;
  }
}
