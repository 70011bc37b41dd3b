import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { Agent, get } from "node:https";
import WebSocket from "ws";

/**
 * Clients that behave, at a steady rate: requests on connections of their own, on kept ones and as HTTP/2 streams, quick and slow,
 * and WebSockets that stay open. The task is JSON in the first argument; the program ends when its standard input does, but not
 * before `atLeast` requests, and prints a report.
 */
export interface SteadyArgs {
  readonly address: string;
  /** Name of the service, in SNI and Host. */
  readonly host: string;
  /** Requests per second, over all kinds. */
  readonly perSecond: number;
  readonly atLeast: number;
  /** Bounds on the number of requests, and on the time. */
  readonly atMost: number;
  readonly maxSeconds: number;
  readonly webSockets: number;
}

/** A WebSocket that the other side ended. Unit of times: milliseconds since 1970. */
export interface End {
  readonly opened: number;
  readonly ended: number;
}

export interface SteadyReport {
  /** Requests that were sent, by kind. */
  readonly requests: Readonly<Record<Kind, number>>;
  readonly failures: number;
  /** The first failures, with their kinds and times. */
  readonly reasons: readonly string[];
  readonly ends: readonly End[];
  /** WebSocket messages that came back. */
  readonly echoes: number;
}

const KINDS = ["short", "kept", "stream", "slow"] as const;
type Kind = (typeof KINDS)[number];

const TIMEOUT_MS = 10_000;
const MAX_REASONS = 20;
/** Time that a slow request takes. Unit: milliseconds. */
const SLOW_MS = 2_000;
const SESSIONS = 4;
const ECHO_EVERY_MS = 250;

const kept = new Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false });

function http1({ host, address }: SteadyArgs, agent: Agent | false): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: address, servername: host, headers: { host }, agent, rejectUnauthorized: false, timeout: TIMEOUT_MS },
      (response) => {
        response.resume();
        response.once("error", reject);
        response.once("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode ?? 0}`)),
        );
      },
    );
    request.once("timeout", () => request.destroy(new Error("no answer in time")));
    request.once("error", reject);
  });
}

/** A few HTTP/2 connections, each replaced once the server says that it goes away. */
class Sessions {
  private readonly open: (ClientHttp2Session | undefined)[] = Array.from({ length: SESSIONS }, () => undefined);
  private turn = 0;

  constructor(private readonly args: SteadyArgs) {}

  /**
   * A stream that the server refuses, since it goes away, was never processed: clients send such a request again.
   * https://www.rfc-editor.org/rfc/rfc9113#section-8.7
   */
  async request(path: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.once(path);
        return;
      } catch (error) {
        if (tries > SESSIONS || !String(error).includes("NGHTTP2_REFUSED_STREAM")) {
          throw error;
        }
      }
    }
  }

  private once(path: string): Promise<void> {
    this.turn = (this.turn + 1) % SESSIONS;
    const stream = this.session(this.turn).request({ ":path": path, ":authority": this.args.host });
    return new Promise((resolve, reject) => {
      let status = 0;
      stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error("no answer in time")));
      stream.once("response", (headers) => (status = headers[":status"] ?? 0));
      stream.once("error", reject);
      stream.once("end", () => (status === 200 ? resolve() : reject(new Error(`status ${status}`))));
      stream.once("close", () => reject(new Error("closed without an answer")));
      stream.resume();
    });
  }

  private session(index: number): ClientHttp2Session {
    const current = this.open[index];
    if (current !== undefined && !current.closed && !current.destroyed) {
      return current;
    }
    const options = { rejectUnauthorized: false, servername: this.args.host };
    const session = connectHttp2(`https://${this.args.address}`, options);
    const forget = () => {
      if (this.open[index] === session) {
        this.open[index] = undefined;
      }
    };
    session.once("goaway", forget).once("close", forget).on("error", forget);
    this.open[index] = session;
    return session;
  }
}

async function run(args: SteadyArgs): Promise<SteadyReport> {
  const requests: Record<Kind, number> = { short: 0, kept: 0, stream: 0, slow: 0 };
  const reasons: string[] = [];
  const ends: End[] = [];
  let failures = 0;
  let echoes = 0;
  const input = { ended: false };
  const fail = (kind: string, error: unknown, since = Date.now()) => {
    failures += 1;
    if (reasons.length < MAX_REASONS) {
      const [from, to] = [since, Date.now()].map((time) => new Date(time).toISOString().slice(11, 23));
      reasons.push(`${from} to ${to}, ${kind}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  process.stdin.resume().once("end", () => (input.ended = true));
  const sessions = new Sessions(args);
  const send: Record<Kind, () => Promise<void>> = {
    short: () => http1(args, false),
    kept: () => http1(args, kept),
    stream: () => sessions.request("/"),
    slow: () => sessions.request(`/?sleep=${SLOW_MS}`),
  };
  const start = Date.now();
  const deadline = start + args.maxSeconds * 1000;
  let over = false;
  const holdOpen = () => {
    const opened = Date.now();
    const tls = { rejectUnauthorized: false, servername: args.host };
    const socket = new WebSocket(`wss://${args.address}/`, { ...tls, headers: { host: args.host } });
    let isOpen = false;
    const timer = setInterval(() => isOpen && socket.send("again"), ECHO_EVERY_MS);
    socket.on("open", () => (isOpen = true));
    socket.on("message", () => (echoes += 1));
    socket.on("error", (error) => isOpen || fail("websocket", error));
    socket.once("close", () => {
      clearInterval(timer);
      if (!over) {
        if (isOpen) {
          ends.push({ opened, ended: Date.now() });
        }
        setTimeout(holdOpen, 100);
      }
    });
  };
  Array.from({ length: args.webSockets }, holdOpen);
  const running = new Set<Promise<void>>();
  let sent = 0;
  while (sent < args.atMost && Date.now() < deadline && (!input.ended || sent < args.atLeast)) {
    const due = Math.min(Math.floor(((Date.now() - start) / 1000) * args.perSecond), args.atMost);
    for (; sent < due; sent++) {
      // One in 20 is slow.
      const kind = sent % 20 === 0 ? "slow" : (KINDS[sent % 3] ?? "short");
      requests[kind] += 1;
      const since = Date.now();
      const one = send[kind]().catch((error: unknown) => fail(kind, error, since));
      running.add(one);
      void one.finally(() => running.delete(one));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(running);
  over = true;
  return { requests, failures, reasons, ends, echoes };
}

if (require.main === module) {
  void run(JSON.parse(process.argv[2] ?? "{}") as SteadyArgs).then((report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  });
}
