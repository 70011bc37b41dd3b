import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { ECHO, type EchoAnswer, type EchoRequest } from "../../../../lab/backends/grpcEcho";

/** The task, read from standard input; the result, a list of `Call`, is written to standard output. */
export interface GrpcTask {
  readonly host: string;
  readonly caFile: string;
  readonly method: keyof typeof ECHO;
  readonly request?: EchoRequest;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Number of calls, one after another, over one connection. Default 1. */
  readonly calls?: number;
  /** Unit: milliseconds. Default: 20 s. */
  readonly deadline?: number;
}

/** The outcome of one call. */
export interface Call {
  /** gRPC status. */
  readonly code: number;
  readonly details: string;
  readonly answers: readonly EchoAnswer[];
  readonly trailers: Readonly<Record<string, unknown>>;
  /** Time from the start of the call to its end. Unit: milliseconds. */
  readonly took: number;
}

function call(client: grpc.Client, task: GrpcTask): Promise<Call> {
  const method = ECHO[task.method];
  const metadata = new grpc.Metadata();
  Object.entries(task.metadata ?? {}).forEach(([name, value]) => {
    metadata.set(name, value);
  });
  const start = Date.now();
  const options = { deadline: start + (task.deadline ?? 20_000) };
  // A stream of one message is a unary call.
  const stream = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    task.request ?? {},
    metadata,
    options,
  );
  const answers: EchoAnswer[] = [];
  return new Promise((resolve) => {
    stream.on("data", (answer: EchoAnswer) => answers.push(answer));
    stream.on("error", () => undefined);
    stream.on("status", ({ code, details, metadata: trailers }: grpc.StatusObject) => {
      resolve({ code, details, answers, trailers: trailers.getMap(), took: Date.now() - start });
    });
  });
}

async function main(): Promise<void> {
  const task = JSON.parse(readFileSync(0, "utf8")) as GrpcTask;
  const credentials = grpc.credentials.createSsl(readFileSync(task.caFile));
  // The client's own retries would hide the gateway's answers.
  const client = new grpc.Client(`${task.host}:443`, credentials, { "grpc.enable_retries": 0 });
  const calls: Call[] = [];
  for (let count = 0; count < (task.calls ?? 1); count++) {
    calls.push(await call(client, task));
  }
  client.close();
  console.log(JSON.stringify(calls));
}

void main();
