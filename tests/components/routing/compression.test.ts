import assert from "node:assert/strict";
import { compressionPatches } from "../../../components/routing/compression";
import { plain, stack } from "../../support/stacks";

const COMPRESSOR = "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor";
const LIBRARY = "type.googleapis.com/envoy.extensions.compression.";

interface Composite {
  readonly xds_matcher: {
    readonly matcher_tree: {
      readonly exact_match_map: {
        readonly map: Readonly<
          Record<string, { readonly action: { readonly typed_config: { readonly filter_chain_name: string } } }>
        >;
      };
    };
  };
  readonly extension_config: {
    readonly typed_config: {
      readonly named_filter_chains: Readonly<Record<string, { readonly typed_config: readonly object[] }>>;
    };
  };
}

/** The filters of each rule, in order. */
function filters(values: Record<string, unknown>): Record<string, readonly object[] | undefined> {
  const patches = compressionPatches(stack(values).services);
  const config = patches.find(({ applyTo }) => applyTo === "EXTENSION_CONFIG")?.patch.value;
  const { xds_matcher, extension_config } = (plain(config) as { typed_config: Composite }).typed_config;
  const chains = extension_config.typed_config.named_filter_chains;
  return Object.fromEntries(
    Object.entries(xds_matcher.matcher_tree.exact_match_map.map).map(([rule, { action }]) => [
      rule,
      chains[action.typed_config.filter_chain_name]?.typed_config,
    ]),
  );
}

const service = (more: object = {}, name = "web") => ({ name, namespace: "apps", ...more });

describe("components/compression", () => {
  it("compresses in the order of the algorithms, and weakens what no longer holds for the bytes", () => {
    const compression = { algorithms: ["gzip", "brotli"], minSize: "2Ki", contentTypes: ["text/html"] };
    const filter = (name: string, isFirst: boolean) => ({
      "@type": COMPRESSOR,
      compressor_library: {
        name,
        typed_config: { "@type": `${LIBRARY}${name}.compressor.v3.${name === "gzip" ? "Gzip" : "Brotli"}` },
      },
      choose_first: isFirst,
      response_direction_config: {
        common_config: { min_content_length: 2048, content_type: ["text/html"] },
        weaken_etag_on_compress: true,
        uncompressible_response_codes: [206],
      },
    });
    assert.deepEqual(filters({ services: [service({ compression })] }), {
      "web--root": [
        { name: "filter-1", typed_config: filter("gzip", true) },
        { name: "filter-2", typed_config: filter("brotli", false) },
      ],
    });
  });

  it("acts where it is set or inherited, and not where it is turned off, nor on gRPC", () => {
    const services = [
      service({ paths: ["/", { path: "/off", compression: false }] }),
      service({ compression: false, paths: ["/", { path: "/on", compression: {} }] }, "other"),
      service({ protocol: "grpc" }, "calls"),
    ];
    assert.deepEqual(Object.keys(filters({ defaults: { compression: {} }, services })), ["web--root", "other--on"]);
  });

  it("creates nothing if no service has it", () => {
    assert.deepEqual(compressionPatches(stack().services), []);
    assert.deepEqual(
      compressionPatches(
        stack({ defaults: { compression: {} }, services: [service({ compression: false })] }).services,
      ),
      [],
    );
  });
});
