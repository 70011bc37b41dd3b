import { connect } from "node:http2";

/** Requests for several hosts over one HTTP/2 connection, one after the other, as browsers send them. */
export interface OneConnectionArgs {
  readonly address: string;
  readonly port?: number;
  /** Local address. */
  readonly from?: string;
  /** Server name of the handshake. */
  readonly sni: string;
  readonly hosts: readonly string[];
}

/** The status of each request: 0 if there was no answer. Runs in the lab; its task is JSON in the first argument. */
async function run({ address, port = 443, from, sni, hosts }: OneConnectionArgs): Promise<number[]> {
  const options = { rejectUnauthorized: false, servername: sni, localAddress: from };
  const session = connect(`https://${address}:${port}`, options);
  session.on("error", () => undefined);
  const statuses: number[] = [];
  for (const host of hosts) {
    statuses.push(
      await new Promise<number>((resolve) => {
        let status = 0;
        const stream = session.request({ ":path": "/", ":authority": host });
        stream.setTimeout(10_000, () => stream.destroy());
        stream.on("response", (headers) => (status = headers[":status"] ?? 0));
        stream.on("error", () => undefined).on("close", () => resolve(status));
        stream.resume();
      }),
    );
  }
  session.destroy();
  return statuses;
}

run(JSON.parse(process.argv[2] ?? "{}") as OneConnectionArgs).then(
  (statuses) => process.stdout.write(JSON.stringify(statuses)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
