import { readFileSync } from "node:fs";
import { connect } from "node:tls";

/** The load client's task, as JSON in its first argument. It ends when its standard input does. */
export interface HandshakesArgs {
  readonly address: string;
  readonly host: string;
  /** File with the certificates to trust. Default: names and dates are checked, but not the issuer. */
  readonly caFile?: string;
  /** Concurrent connections. */
  readonly concurrency: number;
  /** Requests per second until standard input ends; then as fast as possible, up to `atLeast`. */
  readonly perSecond: number;
  readonly atLeast: number;
  /** Bounds on the total number of requests. */
  readonly atMost: number;
  readonly maxSeconds: number;
}

/** When a certificate was served. Unit of times: milliseconds since 1970. */
export interface Served {
  readonly serial: string;
  readonly first: number;
  last: number;
  count: number;
}

export interface HandshakesReport {
  readonly requests: number;
  readonly failures: number;
  /** The first failures, with their times. */
  readonly reasons: readonly string[];
  /** In the order in which they were first seen. */
  readonly served: readonly Served[];
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_REASONS = 5;

/** One request on a new connection, without resuming an earlier session. Returns the leaf's serial number. */
function request({ address, host }: HandshakesArgs, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 443, servername: host, ca, rejectUnauthorized: ca !== undefined });
    let serial = "";
    let answer = "";
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
    socket.once("secureConnect", () => {
      const leaf = socket.getPeerX509Certificate();
      const now = Date.now();
      if (leaf === undefined || socket.isSessionReused()) {
        socket.destroy(new Error("no certificate, or a resumed session"));
      } else if (leaf.checkHost(host) === undefined) {
        socket.destroy(new Error(`a certificate for ${leaf.subjectAltName ?? "no name"}`));
      } else if (Date.parse(leaf.validFrom) > now || Date.parse(leaf.validTo) < now) {
        socket.destroy(new Error(`a certificate from ${leaf.validFrom} to ${leaf.validTo}`));
      } else {
        serial = leaf.serialNumber;
        socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      }
    });
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.once("error", reject);
    socket.once("close", () => {
      const [line = ""] = answer.split("\r\n");
      if (line.startsWith("HTTP/1.1 200")) {
        resolve(serial);
      } else {
        reject(new Error(line === "" ? "closed without an answer" : line));
      }
    });
  });
}

async function load(args: HandshakesArgs): Promise<HandshakesReport> {
  const ca = args.caFile === undefined ? undefined : readFileSync(args.caFile, "utf8");
  const served = new Map<string, Served>();
  const reasons: string[] = [];
  const start = Date.now();
  let stopped = false;
  let requests = 0;
  let failures = 0;
  process.stdin.resume().once("end", () => (stopped = true));
  const goesOn = () =>
    requests < args.atMost && Date.now() < start + args.maxSeconds * 1_000 && (!stopped || requests < args.atLeast);
  const sight = (serial: string) => {
    const now = Date.now();
    const known = served.get(serial);
    if (known === undefined) {
      const first: Served = { serial, first: now, last: now, count: 1 };
      served.set(serial, first);
      console.log(JSON.stringify(first));
    } else {
      known.last = now;
      known.count += 1;
    }
  };
  const worker = async () => {
    while (goesOn()) {
      const turn = start + (requests / args.perSecond) * 1_000;
      if (!stopped && turn > Date.now()) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      requests += 1;
      try {
        sight(await request(args, ca));
      } catch (error) {
        failures += 1;
        if (reasons.length < MAX_REASONS) {
          reasons.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: args.concurrency }, worker));
  return { requests, failures, reasons, served: [...served.values()] };
}

/** Prints a line for each new certificate, and the report at the end. */
if (require.main === module) {
  void load(JSON.parse(process.argv[2] ?? "{}") as HandshakesArgs).then((report) => {
    console.log(JSON.stringify({ report }));
    process.exit(0);
  });
}
