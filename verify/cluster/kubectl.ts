import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Timeout of one command, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** Runs a program and returns its output. @throws Error with its last line of stderr. */
export async function outputOf(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(program, args, { timeout: TIMEOUT_MS, maxBuffer: 64 * 2 ** 20 });
    return stdout;
  } catch (error) {
    const { code, stderr = "", message } = error as NodeJS.ErrnoException & { stderr?: string };
    const said = stderr.trim().split("\n").at(-1) ?? "";
    throw new Error(code === "ENOENT" ? `${program} is not installed` : said || (message.split("\n")[0] ?? ""), {
      cause: error,
    });
  }
}

/** One object of the cluster; undefined if it does not exist. @throws Error if the cluster cannot be asked. */
export async function getObject<T>(kind: string, name: string, namespace: string): Promise<T | undefined> {
  const text = await outputOf("kubectl", ["get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found"]);
  return text === "" ? undefined : (JSON.parse(text) as T);
}

/** Objects of a kind with a label. @throws Error if the cluster cannot be asked. */
export async function listObjects<T>(kind: string, namespace: string, selector: string): Promise<T[]> {
  const text = await outputOf("kubectl", ["get", kind, "-n", namespace, "-l", selector, "-o", "json"]);
  return (JSON.parse(text) as { items: T[] }).items;
}

/** All objects of a kind, in a namespace if the kind is in one. @throws Error if the cluster cannot be asked. */
export async function getAll<T>(kind: string, namespace?: string): Promise<T[]> {
  const scope = namespace === undefined ? [] : ["-n", namespace];
  return (JSON.parse(await outputOf("kubectl", ["get", kind, ...scope, "-o", "json"])) as { items: T[] }).items;
}

/** The same; none if the cluster does not know the kind. @throws Error if it cannot be asked. */
export async function getAllIfKnown<T>(kind: string, namespace: string): Promise<T[]> {
  try {
    return await getAll<T>(kind, namespace);
  } catch (error) {
    if (error instanceof Error && error.message.includes("the server doesn't have a resource type")) {
      return [];
    }
    throw error;
  }
}

/** Labels as kubectl's `-l` takes them. */
export function selectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map((label) => label.join("="))
    .join();
}
