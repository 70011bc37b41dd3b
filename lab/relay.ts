import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { Lab } from "./lab";
import { enter } from "./namespaces";
import { UserError } from "./processes";

/** Longest that a connection may take through the relay. Unit: seconds. */
const CONNECTION_SECONDS = 3600;

/** What runs inside for each connection: standard input and output to a port of the gateway. */
const PIPE = `
const [address, port] = process.argv.slice(1);
const socket = require("node:net").connect(Number(port), address);
socket.on("error", () => process.exit(1));
socket.setTimeout(${CONNECTION_SECONDS * 1000}, () => process.exit(0));
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("close", () => process.exit(0));
`;

/** Leads 127.0.0.1:PORT to the gateway's port 443, until this process ends. */
export function serveProxy(lab: Lab, port: number): Promise<number> {
  const [proxy] = lab.snapshot.proxies;
  if (proxy === undefined) {
    throw new UserError("no stack is deployed: npm run lab -- deploy --stack dev");
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new UserError(`--port is ${port}, expected a port from 1 to 65535`);
  }
  const server = createServer((socket) => {
    const inside = spawn(
      "nsenter",
      [...enter(lab.snapshot.holder.pid), process.execPath, "-e", PIPE, proxy.address, "443"],
      { stdio: ["pipe", "pipe", "ignore"] },
    );
    socket.pipe(inside.stdin).on("error", () => socket.destroy());
    inside.stdout.pipe(socket).on("error", () => inside.kill());
    socket.on("close", () => inside.stdin.end());
  });
  return new Promise((_resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => {
      reject(
        new UserError(error.code === "EADDRINUSE" ? `port ${port} is taken: choose another by --port` : error.message),
      );
    });
    server.listen(port, "127.0.0.1", () => {
      const [host = "HOST"] = Object.keys(lab.snapshot.hosts).filter((name) => !name.startsWith("unknown."));
      console.log(`https://127.0.0.1:${port} leads to ${proxy.address}:443, until Ctrl-C; for example:`);
      console.log(`  curl -k --connect-to ${host}:443:127.0.0.1:${port} https://${host}/`);
    });
  });
}
