import { once } from "node:events";
import { readFileSync } from "node:fs";
import { WebSocket } from "ws";

/** The task, read from standard input; the result, a `Conversation`, is written to standard output. */
export interface WebSocketTask {
  readonly url: string;
  readonly caFile: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Time of silence between the two messages that it sends. Unit: milliseconds. */
  readonly silence: number;
}

export interface Conversation {
  /** Received messages, in order. */
  readonly received: readonly string[];
  /** Status of an answer that was not an upgrade. */
  readonly refused?: number;
  /** Whether the other side closed it. */
  readonly cut: boolean;
  /** Time from the upgrade to the end. Unit: milliseconds. */
  readonly lasted: number;
}

/** Longest wait for an echo. Unit: milliseconds. */
const ECHO_MS = 5_000;

async function main(): Promise<void> {
  const task = JSON.parse(readFileSync(0, "utf8")) as WebSocketTask;
  const socket = new WebSocket(task.url, { ca: readFileSync(task.caFile), headers: task.headers });
  const received: string[] = [];
  let refused: number | undefined;
  let cut = false;
  socket.on("message", (message: Buffer) => received.push(message.toString()));
  socket.on("unexpected-response", (_request, response) => {
    refused = response.statusCode;
    socket.terminate();
  });
  socket.on("error", () => undefined);
  await Promise.race([once(socket, "open"), once(socket, "close")]);
  const start = Date.now();
  socket.on("close", () => (cut = true));
  const closed = once(socket, "close");
  const say = async (text: string, pause: number) => {
    if (socket.readyState === WebSocket.OPEN) {
      const count = received.length;
      socket.send(text);
      for (const end = Date.now() + ECHO_MS; received.length === count && !cut && Date.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, pause))]);
    }
  };
  await say("first", task.silence);
  await say("second", 0);
  const conversation: Conversation = { received, refused, cut, lasted: Date.now() - start };
  console.log(JSON.stringify(conversation));
  socket.terminate();
  process.exit(0);
}

void main();
