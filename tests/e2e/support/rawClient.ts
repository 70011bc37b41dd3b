import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RawAnswer, RawRequest } from "./raw";

/** Sends the requests from standard input byte for byte, and prints the answers. Runs in the lab. */
const TIMEOUT_MS = 10_000;
/** How many connections are open at once. */
const CONNECTIONS = 64;

async function send(request: RawRequest): Promise<RawAnswer> {
  const tcp = await opened(request);
  if (request.preface !== undefined) {
    tcp.write(request.preface);
  }
  if (request.port === 80) {
    return exchange(tcp, request.text ?? "");
  }
  const socket = connectTls({
    socket: tcp,
    servername: request.sni,
    rejectUnauthorized: false,
    ALPNProtocols: [request.http2 === undefined ? "http/1.1" : "h2"],
  });
  return request.http2 === undefined ? exchange(socket, request.text ?? "") : exchangeHttp2(socket, request.http2);
}

function opened({ address, port = 443, from, timeoutMs = TIMEOUT_MS }: RawRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port, localAddress: from }, () => resolve(socket));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("timed out")));
    socket.on("error", reject);
  });
}

function exchange(socket: Socket, text: string): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let answer = "";
    const end = () => {
      const [, status = "0"] = /^HTTP\/1\.[01] (\d+)/.exec(answer) ?? [];
      resolve({ status: Number(status), text: answer });
    };
    socket.setEncoding("latin1").on("data", (part: string) => (answer += part));
    socket.on("error", (error) => (answer += `\n${error.message}`)).on("close", end);
    socket.write(text, "latin1");
  });
}

function exchangeHttp2(socket: Socket, headers: Record<string, string>): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const session = connectHttp2("https://gateway", { createConnection: () => socket });
    let answer: RawAnswer = { status: 0, text: "" };
    const note = (error: Error) => (answer = { ...answer, text: `${answer.text}\n${error.message}` });
    // However it ends: with an answer, with an error, or silently.
    session.on("error", note).on("close", () => resolve(answer));
    const end = () => session.destroy();
    try {
      const stream = session.request(headers, { endStream: true });
      stream.on("error", note).on("close", end);
      stream.on("response", (fields) => {
        answer = { status: Number(fields[":status"]), text: JSON.stringify(fields) };
        stream.setEncoding("utf8").on("data", (part: string) => (answer = { ...answer, text: answer.text + part }));
      });
    } catch (error) {
      // Node itself rejects some fields.
      note(error as Error);
      end();
    }
  });
}

async function main(): Promise<void> {
  let input = "";
  for await (const part of process.stdin.setEncoding("utf8")) {
    input += String(part);
  }
  const requests = JSON.parse(input) as RawRequest[];
  const answers: RawAnswer[] = [];
  const waiting = requests.entries();
  const work = async (): Promise<void> => {
    for (const [index, request] of waiting) {
      answers[index] = await send(request);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  process.stdout.write(JSON.stringify(answers));
}

void main();
