import { join } from "node:path";
import { REPOSITORY } from "../../../lab/paths";
import { theLab } from "./lab";

/** A request as raw bytes, for what no well-behaved client sends. */
export interface RawRequest {
  readonly address: string;
  /** Port 80 is plain HTTP. Default 443. */
  readonly port?: number;
  /** Client address. */
  readonly from?: string;
  /** Server name of the TLS handshake. Default: none. */
  readonly sni?: string;
  /** Sent before the TLS handshake, such as a PROXY protocol header. */
  readonly preface?: string;
  /** The whole request in HTTP/1, each character a byte. It must make the server close the connection. */
  readonly text?: string;
  /** The header fields of a request in HTTP/2, instead of `text`. */
  readonly http2?: Record<string, string>;
  /** How long to wait if nothing arrives. Unit: milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface RawAnswer {
  /** 0 if there was no answer. */
  readonly status: number;
  /** Everything received, including headers. */
  readonly text: string;
}

/** Sends requests concurrently from inside the lab. */
export async function sendRaw(requests: readonly RawRequest[]): Promise<RawAnswer[]> {
  const client = join(__dirname, "rawClient.ts");
  const command = [process.execPath, "-r", "ts-node/register/transpile-only", client];
  const stdout = await theLab().output(command, { cwd: REPOSITORY, input: JSON.stringify(requests) });
  return JSON.parse(stdout) as RawAnswer[];
}

/** An HTTP/1.1 request with the given header lines. */
export function http1(lines: readonly string[], requestLine = "GET / HTTP/1.1"): string {
  return [requestLine, ...lines, "Connection: close", "", ""].join("\r\n");
}

/** PROXY protocol header, version 1. https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt */
export function proxyHeader(client: string, gateway: string): string {
  return `PROXY TCP4 ${client} ${gateway} 40000 443\r\n`;
}
