import type { IncomingMessage } from "node:http";
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";

/** Answers WebSocket upgrades on an HTTP server: sends a greeting with the backend's name, then echoes every message. */
export function echoWebSockets(server: Server, service: string): void {
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(JSON.stringify({ service, path: request.url }));
      client.on("message", (message, isBinary) => {
        client.send(message, { binary: isBinary });
      });
      client.on("error", () => client.terminate());
    });
  });
}
