import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { dirname } from "node:path";
import { exportChildSpan } from "../otlp/childSpan";
import { openGrpc } from "./grpcEcho";
import { handshakeOf, identityOf, secureServer } from "./tls";
import { echoWebSockets } from "./webSocketEcho";

/**
 * The lab's echo server: one process for all backends. `node echo.ts BACKENDS_FILE READY_FILE`.
 * It answers with its name, its address and what it received. By query: `sleep=MS`, `status=CODE`, `reset=1` (ends the connection),
 * `cut=1` (ends it in the middle of the body), `at=ADDRESS` (status, sleep, reset and cut only at that endpoint),
 * `size=BYTES` (a body of that size), `over=MS` (sent evenly over that time), `read=1` (answers once it has the request's body, with its
 * size in x-received), `body=TEXT` (that body), `header=NAME:VALUE` (in the answer, repeatable), `fail=N&key=K` (status 503 for the first N requests with
 * that key); `/__count?key=K` returns their number. Below `/__authorize` it acts as an external authorizer: only
 * requests with `x-authorize: yes` are allowed, and the query's `role=ROLE` becomes the header x-role. WebSocket messages are echoed; gRPC backends serve
 * `lab.Echo`, and TLS backends the same with the certificate of `identityOf`. A request in a sampled trace gets its own span.
 */
interface Backend {
  namespace: string;
  service: string;
  address: string;
  ports: number[];
  protocol: "http" | "grpc" | "tls" | "grpc-tls";
}

const MAX_SLEEP_MS = 120_000;
const MAX_SIZE_BYTES = 64 * 2 ** 20;
/** Size of a body that is cut in half, and time for that half to arrive. */
const CUT_BYTES = 20_000;
const CUT_AFTER_MS = 100;

const [backendsFile = "", readyFile = ""] = process.argv.slice(2);
/** By ADDRESS:PORT. */
const servers = new Map<string, { close(): void }>();
const counts = new Map<string, number>();
/** Between two parts of a body that is sent slowly. Unit: milliseconds. */
const PART_MS = 250;

function answer(backend: Backend, port: number, request: IncomingMessage, response: ServerResponse): void {
  const start = Date.now();
  const url = urlOf(request);
  const number = (name: string, max: number) => Math.min(Number(url.searchParams.get(name) ?? 0) || 0, max);
  const key = url.searchParams.get("key") ?? "";
  if (url.pathname === "/__count") {
    response.end(String(counts.get(key) ?? 0));
    return;
  }
  if (url.pathname.startsWith("/__authorize")) {
    response.statusCode = request.headers["x-authorize"] === "yes" ? 200 : 403;
    response.setHeader("x-role", url.searchParams.get("role") ?? "none");
    response.end("decided by the external authorization\n");
    return;
  }
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  const isMeant = (url.searchParams.get("at") ?? backend.address) === backend.address;
  if (isMeant && url.searchParams.has("reset")) {
    request.socket.resetAndDestroy();
    return;
  }
  if (isMeant && url.searchParams.has("cut")) {
    response.writeHead(200, { "content-length": CUT_BYTES, "x-backend": backend.service });
    response.write("x".repeat(CUT_BYTES / 2), () => setTimeout(() => request.socket.resetAndDestroy(), CUT_AFTER_MS));
    return;
  }
  const failing = count <= number("fail", 1_000_000);
  const size = number("size", MAX_SIZE_BYTES);
  const headers = url.searchParams.getAll("header").flatMap((text) => [/^([^:]+):(.*)$/.exec(text) ?? []]);
  const body = JSON.stringify({
    service: backend.service,
    namespace: backend.namespace,
    address: backend.address,
    port,
    method: request.method,
    path: url.pathname,
    query: url.search,
    headers: request.headers,
    remoteAddress: request.socket.remoteAddress,
    tls: handshakeOf(request),
  });
  const received = url.searchParams.has("read") ? read(request) : Promise.resolve(undefined);
  setTimeout(
    () =>
      void received.then((bytes) => {
        if (bytes !== undefined) {
          response.setHeader("x-received", bytes);
        }
        response.statusCode = failing ? 503 : (isMeant && number("status", 599)) || 200;
        response.setHeader("content-type", "application/json");
        response.setHeader("x-backend", backend.service);
        for (const [, name = "", value = ""] of headers) {
          response.setHeader(name, value);
        }
        const over = number("over", MAX_SLEEP_MS);
        if (over > 0) {
          sendOver(response, size, over);
        } else {
          response.end(size > 0 ? "x".repeat(size) : (url.searchParams.get("body") ?? `${body}\n`));
        }
        exportChildSpan(request.headers.traceparent, backend.service, url.pathname, start);
      }),
    isMeant ? number("sleep", MAX_SLEEP_MS) : 0,
  );
}

async function read(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
  }
  return bytes;
}

function sendOver(response: ServerResponse, size: number, time: number): void {
  const parts = Math.max(1, Math.floor(time / PART_MS));
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    response.write("x".repeat(Math.floor((size * sent) / parts) - Math.floor((size * (sent - 1)) / parts)));
    if (sent === parts) {
      clearInterval(timer);
      response.end();
    }
  }, PART_MS);
  response.once("close", () => clearInterval(timer));
}

/** The request's URL; also for `//`, which would be read as a host, and `*`. */
function urlOf({ url = "/" }: IncomingMessage): URL {
  const text = `http://backend${url}`;
  return new URL(url.startsWith("/") && URL.canParse(text) ? text : "http://backend/");
}

/** Opens a port for each new backend, and closes the ports of removed ones. */
async function open(backends: readonly Backend[]): Promise<void> {
  const wanted = new Map<string, { backend: Backend; port: number }>(
    backends.flatMap((backend) =>
      backend.ports.map((port) => [`${backend.address}:${port}`, { backend, port }] as const),
    ),
  );
  for (const [key, server] of servers) {
    if (!wanted.has(key)) {
      server.close();
      servers.delete(key);
    }
  }
  for (const [key, { backend, port }] of wanted) {
    if (!servers.has(key)) {
      servers.set(key, await openPort(backend, port));
    }
  }
}

async function openPort(backend: Backend, port: number): Promise<{ close(): void }> {
  const { protocol, address, service } = backend;
  const isSecure = protocol === "tls" || protocol === "grpc-tls";
  const identity = isSecure ? await identityOf(dirname(backendsFile), backend) : undefined;
  if (protocol === "grpc" || protocol === "grpc-tls") {
    return openGrpc(backend, port, identity);
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => answer(backend, port, request, response);
  const server = identity === undefined ? createServer(listener) : secureServer(identity, listener);
  (server as Server).keepAliveTimeout = 0;
  echoWebSockets(server, service);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, address, resolve);
  });
  return {
    close: () => {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

/** How often the list of backends is polled. Unit: milliseconds. */
const POLL_MS = 50;

/** Polls the content: watching timestamps would miss a change made while the watch starts. */
async function follow(): Promise<void> {
  for (let loaded = ""; ; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    const text = readFileSync(backendsFile, "utf8");
    if (text !== loaded) {
      await open(JSON.parse(text) as Backend[]);
      writeFileSync(readyFile, text);
      loaded = text;
    }
  }
}

void follow();
