import { httpsUrl } from "../config/resolve/protocols";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { StackConfig } from "../config";
import { someHost } from "../verify/hosts";
import { CLIENT_INSIDE } from "./addresses";
import { Lab } from "./lab";
import { enter } from "./namespaces";
import { UserError } from "./processes";

/** Idle timeout of a connection through the relay. Unit: seconds. */
const CONNECTION_SECONDS = 3600;

/** Runs inside for each connection: pipes standard input and output to a port of the gateway. */
const PIPE = `
const [host, port, localAddress] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port), localAddress });
socket.on("error", () => process.exit(1));
socket.setTimeout(${CONNECTION_SECONDS * 1000}, () => process.exit(0));
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("close", () => process.exit(0));
`;

/** Forwards 127.0.0.1:PORT to the https port of a stack's gateway, as a client inside, until this process ends. */
export function serveProxy(lab: Lab, stack: string, config: StackConfig, port: number): Promise<number> {
  const { host, port: httpsPort } = someHost(config);
  const address = lab.snapshot.hosts[host];
  if (address === undefined) {
    throw new UserError(`${stack} is not deployed: npm run lab -- deploy --stack ${stack}`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new UserError(`--port is ${port}, expected a port from 1 to 65535`);
  }
  const server = createServer((socket) => {
    const inside = spawn(
      "nsenter",
      [...enter(lab.snapshot.holder.pid), process.execPath, "-e", PIPE, address, String(httpsPort), CLIENT_INSIDE],
      { stdio: ["pipe", "pipe", "ignore"] },
    );
    socket.pipe(inside.stdin).on("error", () => socket.destroy());
    inside.stdout.pipe(socket).on("error", () => inside.kill());
    socket.on("close", () => inside.stdin.end());
  });
  return new Promise((_resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => {
      reject(
        new UserError(
          error.code === "EADDRINUSE" ? `port ${port} is taken: choose another with --port` : error.message,
        ),
      );
    });
    server.listen(port, "127.0.0.1", () => {
      console.log(`https://127.0.0.1:${port} forwards to ${address}:${httpsPort}, until Ctrl-C; for example:`);
      console.log(`  curl -k --connect-to ${host}:${httpsPort}:127.0.0.1:${port} ${httpsUrl(host, httpsPort)}/`);
    });
  });
}
