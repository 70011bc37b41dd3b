import { join } from "node:path";
import { REPOSITORY } from "../../../../lab/paths";
import { theLab } from "../lab";
import type { Call, GrpcTask } from "./grpc";
import type { Conversation, WebSocketTask } from "./webSocket";

/** Runs a client inside the lab. */
async function runClient(name: string, task: unknown): Promise<unknown> {
  const command = [process.execPath, "-r", "ts-node/register/transpile-only", join(__dirname, `${name}.ts`)];
  const text = await theLab().output(command, { cwd: REPOSITORY, input: JSON.stringify(task), timeoutMs: 90_000 });
  return JSON.parse(text);
}

/** Makes gRPC calls over TLS, and returns the outcome of each. */
export async function grpcCalls(task: GrpcTask): Promise<readonly Call[]> {
  return (await runClient("grpc", task)) as readonly Call[];
}

/** Talks over a WebSocket: a greeting, a message, silence, a message. */
export async function webSocket(task: WebSocketTask): Promise<Conversation> {
  return (await runClient("webSocket", task)) as Conversation;
}
