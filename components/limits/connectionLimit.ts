import type { Stream } from "../../config/resolve/model";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import { filterName } from "../shared/filterByRoute";

const TYPE = "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit";

/**
 * Closes connections of a stream beyond its limit, before a byte of them is passed on. Each listener of each proxy counts its own.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/network_filters/connection_limit_filter
 */
export function connectionLimitPatches(streams: readonly Stream[]): ConfigPatch[] {
  return streams.flatMap(({ name, maxConnections, listenPort, listeners }) =>
    maxConnections === undefined
      ? []
      : listeners.map(({ hostname }): ConfigPatch => {
          const config = { "@type": TYPE, stat_prefix: name, max_connections: maxConnections };
          return {
            applyTo: "NETWORK_FILTER",
            match: {
              context: "GATEWAY",
              listener: {
                portNumber: listenPort,
                ...(hostname === undefined ? {} : { filterChain: { sni: hostname } }),
              },
            },
            patch: { operation: "INSERT_FIRST", value: { name: filterName("connection-limit"), typed_config: config } },
          };
        }),
  );
}
