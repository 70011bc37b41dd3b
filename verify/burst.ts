import { connect, type ClientHttp2Session } from "node:http2";
import { connect as tlsConnect, type ConnectionOptions } from "node:tls";
import { TIMEOUT_MS, type RequestOptions } from "./client";

export interface Burst {
  /** Of each answered request, in the order of the answers. */
  readonly statuses: readonly number[];
  /** From the first request to the last answer, in milliseconds. */
  readonly tookMs: number;
  /** Whether a rate limit, not a backend, refused a request. */
  readonly limited: boolean;
  readonly error?: string;
}

/** Concurrent requests: fewer than any server's limit. */
const CONCURRENT = 20;

/** Sends many requests over one connection, and so to one proxy, until a limit refuses one with a status. */
export async function burst(
  url: string,
  most: number,
  refusal: number,
  { address, from, identity, headers }: RequestOptions,
): Promise<Burst> {
  const { origin, pathname, hostname } = new URL(url);
  const socket = tlsConnect({
    ...identity,
    host: address ?? hostname,
    port: 443,
    localAddress: from,
    rejectUnauthorized: false,
    servername: hostname,
    ALPNProtocols: ["h2"],
  } as ConnectionOptions);
  const session = connect(origin, { createConnection: () => socket });
  let error: string | undefined;
  session.on("error", (cause: Error) => (error = cause.message));
  session.setTimeout(TIMEOUT_MS, () => session.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
  const start = Date.now();
  const statuses: number[] = [];
  let sent = 0;
  let limited = false;
  const sender = async () => {
    while (sent < most && !limited && error === undefined) {
      sent++;
      const answer = await send(session, refusal, { ":path": pathname, ...headers });
      if (answer !== undefined) {
        statuses.push(answer.status);
        limited ||= answer.limited;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, sender));
  session.destroy();
  return { statuses, tookMs: Date.now() - start, limited, error };
}

/** Undefined if there was no answer. */
function send(
  session: ClientHttp2Session,
  refusal: number,
  headers: Record<string, string>,
): Promise<{ status: number; limited: boolean } | undefined> {
  return new Promise((resolve) => {
    if (session.destroyed || session.closed) {
      resolve(undefined);
      return;
    }
    const stream = session.request(headers);
    let answer: { status: number; limited: boolean } | undefined;
    stream.on("response", (received) => {
      const status = received[":status"] ?? 0;
      answer = { status, limited: status === refusal && received["x-ratelimit-limit"] !== undefined };
    });
    stream.on("error", () => undefined);
    stream.on("close", () => resolve(answer));
    stream.resume();
    stream.end();
  });
}
