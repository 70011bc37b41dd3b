import { connect as connectHttp2, constants, type ClientHttp2Session } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { duplexPair } from "node:stream";
import { connect as connectTls } from "node:tls";

/**
 * A misbehaving client: `node - MODE JSON`, inside the lab, with this file on standard input. Prints what it saw as JSON.
 * Every mode is limited in connections, requests and time.
 */
export interface Args {
  readonly host: string;
  /** Plain HTTP, on port 80. */
  readonly plain?: boolean;
  /** Sent immediately, and sent repeatedly after that. */
  readonly head?: string;
  readonly drip?: string;
  /** Connections or streams. */
  readonly count?: number;
  /** Size of a request's body. Unit: bytes. */
  readonly size?: number;
  readonly path?: string;
}

/** Longest time that a connection is held. Unit: milliseconds. */
const HOLD_MS = 12_000;
const DRIP_MS = 250;

function open({ host, plain = false }: Args): Socket {
  return plain
    ? connectTcp(80, host)
    : connectTls({ host, port: 443, servername: host, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
}

/** Waits until the other side closes a connection. */
function ended(socket: Socket): Promise<{ closed: boolean; ms: number; answer: string }> {
  const start = Date.now();
  let answer = "";
  return new Promise((resolve) => {
    const finish = (closed: boolean) => {
      resolve({ closed, ms: Date.now() - start, answer: answer.split("\r\n")[0] ?? "" });
      socket.destroy();
    };
    setTimeout(() => finish(false), HOLD_MS);
    socket.on("data", (data) => (answer += data.toString("latin1")));
    socket.on("error", () => undefined);
    socket.once("close", () => finish(true));
    socket.once("end", () => finish(true));
  });
}

const modes = {
  /** Sends a request more and more slowly. */
  async drip(args: Args) {
    const socket = open(args);
    const result = ended(socket);
    socket.write(args.head ?? "");
    const timer = setInterval(() => socket.writable && args.drip !== undefined && socket.write(args.drip), DRIP_MS);
    return result.finally(() => clearInterval(timer));
  },

  /** Sends a ClientHello, and nothing more. */
  async handshake({ host }: Args) {
    const socket = connectTcp(443, host);
    const [ours, theirs] = duplexPair();
    connectTls({ socket: ours, servername: host, rejectUnauthorized: false }).on("error", () => undefined);
    theirs.once("data", (hello: Buffer) => socket.write(hello));
    return ended(socket);
  },

  /** Opens streams and cancels them before they are answered, until it is disconnected. */
  async resets({ host, count = 0, path = "/" }: Args) {
    const session = connect(host);
    const state = { over: false };
    session.once("close", () => (state.over = true));
    session.once("goaway", () => (state.over = true));
    await new Promise((resolve) => session.once("connect", resolve));
    let sent = 0;
    while (sent < count && !state.over) {
      const streams = Array.from({ length: 10 }, () => session.request({ ":path": path }));
      sent += streams.length;
      await new Promise((resolve) => setTimeout(resolve, 2));
      for (const stream of streams) {
        stream.on("error", () => undefined);
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const result = { sent, closed: state.over };
    session.destroy();
    return result;
  },

  /** Opens slow streams, all at once. */
  async streams({ host, count = 0, path = "/" }: Args) {
    const session = connect(host);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const start = Date.now();
    const statuses = await Promise.all(Array.from({ length: count }, () => status(session, path)));
    const { maxConcurrentStreams, initialWindowSize } = session.remoteSettings;
    session.close();
    return { maxConcurrentStreams, initialWindowSize, statuses, ms: Date.now() - start };
  },

  /** Sends a body over HTTP/2 without a content length. */
  async upload({ host, size = 0, path = "/" }: Args) {
    const session = connect(host);
    const result = await status(session, path, Buffer.alloc(size));
    session.destroy();
    return { status: result };
  },

  /** Opens connections, keeps them open, and sends two requests on each. */
  async connections(args: Args) {
    const sockets = Array.from({ length: args.count ?? 0 }, () => open(args));
    const request = `GET / HTTP/1.1\r\nHost: ${args.host}\r\n\r\n`;
    const ask = (socket: Socket) =>
      new Promise<boolean>((resolve) => {
        setTimeout(() => resolve(false), HOLD_MS / 3);
        socket.once("error", () => resolve(false)).once("close", () => resolve(false));
        socket.once("data", (data) => resolve(data.toString("latin1").startsWith("HTTP/1.1 200")));
        socket.write(request);
      });
    const first = await Promise.all(sockets.map(ask));
    const kept = sockets.filter((_, index) => first[index]);
    const second = await Promise.all(kept.map(ask));
    sockets.forEach((socket) => socket.destroy());
    return { first: first.filter(Boolean).length, second: second.filter(Boolean).length };
  },
};

function connect(host: string): ClientHttp2Session {
  const session = connectHttp2(`https://${host}`, { rejectUnauthorized: false });
  return session.on("error", () => undefined);
}

/** Status of a request; 0 if there was no answer. */
function status(session: ClientHttp2Session, path: string, body?: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const stream = session.request({ ":method": body === undefined ? "GET" : "POST", ":path": path });
    stream.once("response", (headers) => resolve(headers[":status"] ?? 0));
    stream.on("error", () => resolve(0)).once("close", () => resolve(0));
    stream.resume();
    stream.end(body);
  });
}

export type Mode = keyof typeof modes;

const [mode = "", json = "{}"] = process.argv.slice(2);
void modes[mode as Mode](JSON.parse(json) as Args).then((result) => {
  process.stdout.write(JSON.stringify(result), () => process.exit());
});
