import type { Stream, StreamListener } from "../../config/resolve/model";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { cidrRange } from "../shared/envoyTypes";
import { filterName } from "../shared/filterByRoute";

/**
 * Closes connections from addresses that may not connect to a stream, as soon as they are accepted. Istio's policy, which
 * `streamSpec` makes, waits for the client's first byte, and a backend that speaks first would have said something by then.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto#config-listener-v3-filterchainmatch
 */
export function streamAccessPatches(streams: readonly Stream[]): ConfigPatch[] {
  return streams.flatMap(({ access, listenPort, listeners }) =>
    listeners.flatMap((listener) => [
      ...(access?.allow === undefined ? [] : [allowPatch(listenPort, listener, access.allow)]),
      ...(access?.deny === undefined ? [] : [denyPatch(listenPort, listener, access.deny)]),
    ]),
  );
}

/** The stream's filter chain is there for these alone; Envoy closes what no chain takes. */
function allowPatch(portNumber: number, { hostname }: StreamListener, blocks: readonly string[]): ConfigPatch {
  const filterChain = hostname === undefined ? {} : { filterChain: { sni: hostname } };
  return {
    applyTo: "FILTER_CHAIN",
    match: { context: "GATEWAY", listener: { portNumber, ...filterChain } },
    patch: { operation: "MERGE", value: { filter_chain_match: { source_prefix_ranges: blocks.map(cidrRange) } } },
  };
}

/** A filter chain that closes connections. Of two chains, that with the narrower block takes a client. */
function denyPatch(portNumber: number, { name, hostname }: StreamListener, blocks: readonly string[]): ConfigPatch {
  const names = hostname === undefined ? {} : { server_names: [hostname] };
  return {
    applyTo: "FILTER_CHAIN",
    match: { context: "GATEWAY", listener: { portNumber } },
    patch: {
      operation: "ADD",
      value: {
        name: filterName(`${name}-denied`),
        filter_chain_match: { ...names, source_prefix_ranges: blocks.map(cidrRange) },
        filters: [CLOSE],
      },
    },
  };
}

/** Istio drops a chain without any filter. This one answers with nothing, and closes. */
const CLOSE = {
  name: "envoy.filters.network.direct_response",
  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config" },
};
