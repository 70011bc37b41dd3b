import { connect } from "node:net";
import { sharedName } from "../../components/shared/naming";
import { admitsAddress } from "../../config/resolve/entrance";
import type { Stream, StreamListener } from "../../config/resolve/model";
import { handshake, type Route, TIMEOUT_MS } from "../client";
import { sampleOf } from "../hosts";
import { row, skipped, type Row } from "../row";
import type { Target } from "../target";

/** Connections to each stream: TLS for its names, TCP for its port. What the backend says over it is not read. */
export async function checkStreams({ config, route }: Target): Promise<Row[]> {
  const rows = config.streams.flatMap((stream) =>
    stream.listeners.map(async (listener) => {
      const what = `${listener.hostname ?? "TCP"}:${stream.listenPort} accepts connections`;
      const wanted = admitsAddress(stream.access, route.from);
      if (wanted === "unknown") {
        return skipped("streams", what, "it depends on this client's address: pass --from");
      }
      const error = await failure(stream, listener, route);
      const isAdmitted = wanted === "admitted";
      const kind = stream.protocol === "tcp" ? "tcproute" : "tlsroute";
      return row(
        "streams",
        isAdmitted ? what : `${listener.hostname ?? "TCP"}:${stream.listenPort} refuses ${route.from ?? "this client"}`,
        (error === undefined) === isAdmitted,
        error ?? "connected",
        {
          cause: isAdmitted
            ? "no listener, no route, or no backend that answers: Istio before 1.31 has TCP only with PILOT_ENABLE_ALPHA_GATEWAY_API"
            : "the address list is not in force, or something between client and gateway changes the client's address",
          more: `kubectl describe ${kind} ${sharedName(config.gateway, stream.name)} -n ${stream.namespace}; kubectl describe gateway ${config.gateway.name} -n ${config.gateway.namespace}`,
        },
      );
    }),
  );
  return Promise.all(rows);
}

/** Why there is no connection; undefined if there is one. */
async function failure(
  { listenPort: port }: Stream,
  { hostname }: StreamListener,
  route: Route,
): Promise<string | undefined> {
  if (hostname !== undefined) {
    const { succeeded, error } = await handshake(sampleOf(hostname), route, { port, ALPNProtocols: [] });
    return succeeded ? undefined : (error ?? "no handshake");
  }
  return new Promise((resolve) => {
    const socket = connect({ host: route.address ?? "", port, localAddress: route.from });
    const end = (error?: string) => {
      socket.destroy();
      resolve(error);
    };
    // A proxy accepts first, and closes at once what it refuses or nobody answers.
    socket.once("connect", () => setTimeout(() => end(), SETTLE_MS));
    socket.once("error", ({ message }) => end(message)).once("close", () => end("closed at once"));
    socket.setTimeout(TIMEOUT_MS, () => end(`no connection within ${TIMEOUT_MS / 1000} s`));
  });
}

/** Unit: milliseconds. */
const SETTLE_MS = 1000;
