import { spawn } from "node:child_process";
import { Agent, get } from "node:https";
import { promisify } from "node:util";

/** What to watch, as JSON in the first argument. Runs inside the lab. */
export interface WatchArgs {
  readonly address: string;
  readonly host: string;
  /** Address that the requests come from. Default: any. */
  readonly from?: string;
  readonly object: { readonly kind: string; readonly name: string; readonly namespace: string };
  /** The part of the object that has the value. Default: its spec. */
  readonly field?: string;
  /** The part of a response that has the same value: `:status`, or a header. Default: `x-bench`. */
  readonly header?: string;
  readonly kubectl: string;
  readonly before: string;
  readonly after: string;
  /** Makes the change. */
  readonly command: readonly string[];
}

/** When the API server had the changed object, and when the first response came by it. Unit: milliseconds since 1970. */
export interface Seen {
  readonly applied: number;
  readonly served: number;
}

const MAX_MS = 120_000;
const PAUSE_MS = 5;

async function watch(args: WatchArgs): Promise<Seen> {
  const { kind, name, namespace } = args.object;
  const field = ["-o", `jsonpath={${args.field ?? ".spec"}}{'\\n'}`, "--watch"];
  const watcher = spawn(args.kubectl, ["get", kind, name, "-n", namespace, ...field], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const sees = (value: string) =>
    new Promise<number>((resolve) => {
      watcher.stdout.on("data", (chunk: Buffer) => {
        if (chunk.includes(`"${value}"`)) {
          resolve(Date.now());
        }
      });
    });
  try {
    const applied = sees(args.after);
    await Promise.all([sees(args.before), answers(args, args.before)]);
    const [served] = await Promise.all([answers(args, args.after), run(args.command)]);
    return { applied: await applied, served };
  } finally {
    watcher.kill();
  }
}

/** When the first response with this value came. */
async function answers(args: WatchArgs, value: string): Promise<number> {
  // The certificate's issuer does not matter here.
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, servername: args.host });
  try {
    while ((await answer(agent, args)) !== value) {
      await promisify(setTimeout)(PAUSE_MS);
    }
    return Date.now();
  } finally {
    agent.destroy();
  }
}

function answer(agent: Agent, { address, host, from, header = "x-bench" }: WatchArgs): Promise<string | undefined> {
  return new Promise((resolve) => {
    get({ agent, host: address, localAddress: from, headers: { host } }, (response) => {
      const { statusCode, headers } = response;
      const value = header === ":status" ? String(statusCode) : headers[header];
      response.resume().once("end", () => resolve(typeof value === "string" ? value : undefined));
    }).once("error", () => resolve(undefined));
  });
}

function run([program = "", ...words]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${program} exited with ${code ?? 1}`))));
  });
}

if (require.main === module) {
  setTimeout(() => {
    console.error("error: timed out waiting for the change");
    process.exit(1);
  }, MAX_MS).unref();
  watch(JSON.parse(process.argv[2] ?? "{}") as WatchArgs).then(
    (seen) => console.log(JSON.stringify(seen)),
    (error: unknown) => {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    },
  );
}
