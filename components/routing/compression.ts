import type { Service } from "../../config";
import type { Compression } from "../../config/schema/routing/compression";
import { bytes } from "../../config/values/quantity";
import type { ConfigPatch } from "../../kinds/envoyFilter";
import type { FilterConfig } from "../shared/envoyTypes";
import { byRule, filterByRoute, NO_ACTION } from "../shared/filterByRoute";

/** Compression of each service's answers. Empty if no service has any. */
export function compressionPatches(services: readonly Service[]): ConfigPatch[] {
  const filters = byRule(services, ({ compression }) =>
    compression === undefined ? NO_ACTION : compressors(compression),
  );
  return filterByRoute({ feature: "compression", place: "last", by: "rule", filters });
}

/** One filter for each algorithm. They agree among themselves on which of them a client's Accept-Encoding asks for. */
function compressors({ algorithms, minSize, contentTypes }: Compression): FilterConfig[] {
  return algorithms.map((algorithm, index) => ({
    "@type": "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor",
    compressor_library: {
      name: algorithm,
      typed_config: { "@type": LIBRARIES[algorithm] },
    },
    // Several that a client accepts equally: that which says so.
    choose_first: index === 0,
    response_direction_config: {
      common_config: { min_content_length: bytes(minSize), content_type: contentTypes },
      // The bytes differ, the content does not (RFC 9110, section 8.8.1).
      weaken_etag_on_compress: true,
      // A range of what the backend has would not be one of what other clients got.
      uncompressible_response_codes: [206],
    },
  }));
}

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/compressor_filter */
const LIBRARIES: Readonly<Record<Compression["algorithms"][number], string>> = {
  brotli: "type.googleapis.com/envoy.extensions.compression.brotli.compressor.v3.Brotli",
  gzip: "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip",
};
