import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RawAnswer, RawRequest } from "./raw";

/** Sends the requests on standard input as they are, byte by byte, and says what came back. Runs in the lab. */
const TIMEOUT_MS = 10_000;

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

function opened({ address, port = 443, from }: RawRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port, localAddress: from }, () => resolve(socket));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("timed out")));
    socket.once("error", reject);
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
    socket.write(text);
  });
}

function exchangeHttp2(socket: Socket, headers: Record<string, string>): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const session = connectHttp2("https://gateway", { createConnection: () => socket });
    const fail = (error: Error) => {
      session.destroy();
      resolve({ status: 0, text: error.message });
    };
    session.on("error", fail);
    const stream = session.request(headers, { endStream: true }).on("error", fail);
    let text = "";
    stream.on("response", (answer) => {
      text = JSON.stringify(answer);
      stream.setEncoding("utf8").on("data", (part: string) => (text += part));
      stream.on("end", () => {
        session.destroy();
        resolve({ status: Number(answer[":status"]), text });
      });
    });
  });
}

async function main(): Promise<void> {
  let input = "";
  for await (const part of process.stdin.setEncoding("utf8")) {
    input += String(part);
  }
  const answers = await Promise.all((JSON.parse(input) as RawRequest[]).map(send));
  process.stdout.write(JSON.stringify(answers));
}

void main();
