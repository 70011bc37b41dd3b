import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectTls, type ConnectionOptions } from "node:tls";

/** Requests for several hosts over one HTTP/2 connection, one after the other, as browsers send them. */
export interface OneConnectionArgs {
  readonly address: string;
  readonly port?: number;
  /** Local address. */
  readonly from?: string;
  /** Server name of the handshake. */
  readonly sni: string;
  readonly hosts: readonly string[];
  /** A file with the client's certificate and key, in PEM. */
  readonly identity?: string;
  /** Resumes the TLS session of a connection with this server name. */
  readonly resume?: string;
}

/** The status of each request: 0 if there was no answer. Runs in the lab; its task is JSON in the first argument. */
async function run({ address, port = 443, from, sni, hosts, identity, resume }: OneConnectionArgs): Promise<number[]> {
  const pem = identity === undefined ? undefined : readFileSync(identity);
  const options = {
    rejectUnauthorized: false,
    localAddress: from,
    host: address,
    port,
    ALPNProtocols: ["h2"],
    ...(pem === undefined ? {} : { cert: pem, key: pem }),
  };
  const ticket =
    resume === undefined ? undefined : await sessionOf({ ...options, servername: resume, ALPNProtocols: ["http/1.1"] });
  const session = connect(`https://${address}:${port}`, {
    createConnection: () => connectTls({ ...options, servername: sni, session: ticket }),
  });
  session.on("error", () => undefined);
  const statuses: number[] = [];
  for (const host of hosts) {
    if (session.destroyed) {
      statuses.push(0);
      continue;
    }
    statuses.push(
      await new Promise<number>((resolve) => {
        let status = 0;
        const stream = session.request({ ":path": "/", ":authority": host });
        stream.setTimeout(10_000, () => stream.destroy());
        stream.on("response", (headers) => (status = headers[":status"] ?? 0));
        stream.on("error", () => undefined).on("close", () => resolve(status));
        session.once("close", () => resolve(status));
        stream.resume();
      }),
    );
  }
  session.destroy();
  return statuses;
}

/** What a client keeps to resume a session. */
function sessionOf(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(options);
    socket.once("session", (session) => {
      socket.destroy();
      resolve(session);
    });
    socket.once("error", reject).setTimeout(10_000, () => socket.destroy(new Error("no session ticket")));
    // A ticket comes with the first answer.
    socket.resume().write(`GET / HTTP/1.1\r\nHost: ${options.servername ?? ""}\r\n\r\n`);
  });
}

run(JSON.parse(process.argv[2] ?? "{}") as OneConnectionArgs).then(
  (statuses) => process.stdout.write(JSON.stringify(statuses)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
