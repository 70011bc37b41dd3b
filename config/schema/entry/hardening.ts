import { z } from "zod";
import { duration, wholeNumber } from "../fields";

/** Largest window that HTTP/2 knows (RFC 9113, section 6.9.1), and the one that it starts with. Unit: bytes. */
const MAX_WINDOW = 2 ** 31 - 1;
const MIN_WINDOW = 65_535;

const window = (bytes: number) => wholeNumber(MIN_WINDOW, MAX_WINDOW, "bytes").default(bytes);

const on = z.strictObject({
  enabled: z.literal(true, "true or false").optional().describe("Limits for clients nobody knows. Default true."),

  maxConnections: wholeNumber(0, 10_000_000, "connections")
    .default(10_000)
    .describe(
      "Connections at once on each port of each gateway proxy; more are closed at once. 0 sets no limit. Default 10000.",
    ),
  perConnectionBufferLimitBytes: wholeNumber(1024, 2 ** 30, "bytes")
    .default(32_768)
    .describe(
      "What a proxy keeps of a connection's data before it stops reading; larger request bodies are neither retried nor mirrored. Unit: bytes; 1024 to 1 GiB; default 32768.",
    ),

  transportSocketConnectTimeout: duration
    .default("15s")
    .describe("Longest time for a TLS handshake. 0s turns it off. Default 15s."),
  requestHeadersTimeout: duration
    .default("1m")
    .describe("Longest time from the first byte of a request's headers to the last. 0s turns it off. Default 1m."),
  requestTimeout: duration
    .default("5m")
    .describe("Longest time in which a client may send a request, body included. 0s turns it off. Default 5m."),
  streamIdleTimeout: duration
    .default("5m")
    .describe(
      "Longest time in which nothing moves on a request, up or down; limits.streamIdleTimeout changes it for a service. 0s turns it off. Default 5m.",
    ),
  idleTimeout: duration
    .default("1h")
    .describe("Longest time that a connection stays open without a request. 0s turns it off. Default 1h."),
  maxConnectionDuration: duration
    .optional()
    .describe("Age at which a connection is drained and closed, whatever it does. Default: none."),

  maxRequestHeadersKb: wholeNumber(1, 8192, "KiB")
    .default(60)
    .describe("Size of all headers of a request; larger ones get 431. Unit: KiB; 1 to 8192; default 60."),
  maxHeadersCount: wholeNumber(1, 10_000, "headers")
    .default(100)
    .describe("Headers of a request; more get 431. Default 100."),
  headersWithUnderscoresAction: z
    .enum(["ALLOW", "REJECT_REQUEST", "DROP_HEADER"], "ALLOW, REJECT_REQUEST or DROP_HEADER")
    .default("REJECT_REQUEST")
    .describe("Headers with `_` in their names, which some backends take for `-`. Default REJECT_REQUEST."),

  maxConcurrentStreams: wholeNumber(1, MAX_WINDOW, "streams")
    .default(100)
    .describe("HTTP/2: requests at once on one connection. Default 100."),
  initialStreamWindowSize: window(65_536).describe(
    "HTTP/2: bytes that a client may send ahead on a request. 65535 to 2147483647; default 65536.",
  ),
  initialConnectionWindowSize: window(1_048_576).describe(
    "HTTP/2: bytes that a client may send ahead on a connection. 65535 to 2147483647; default 1048576.",
  ),

  mergeSlashes: z
    .boolean("true or false")
    .default(true)
    .describe("Take `//` in a path for `/`, before a route is chosen. Default true."),
  pathWithEscapedSlashesAction: z
    .enum(
      ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"],
      "KEEP_UNCHANGED, REJECT_REQUEST, UNESCAPE_AND_REDIRECT or UNESCAPE_AND_FORWARD",
    )
    .default("UNESCAPE_AND_REDIRECT")
    .describe("Paths with %2F or %5C. Default UNESCAPE_AND_REDIRECT: a 307 to the unescaped path."),

  removeInternalHeaders: z
    .boolean("true or false")
    .default(true)
    .describe("Remove Envoy's own headers from what clients send and from what they get. Default true."),
  removeServerHeader: z
    .boolean("true or false")
    .default(true)
    .describe("Remove the header `server` from responses, Istio's and the backend's. Default true."),
});

const off = z.strictObject({
  enabled: z.literal(false).describe("No limits but Istio's own."),
});

/** What the gateway's listeners put up with. Names are Envoy's; defaults are those of its guide for edge proxies. */
export const hardeningSchema = z
  .discriminatedUnion("enabled", [on, off], { error: "true or false" })
  .describe("Limits, timeouts and path normalisation of both listeners, after Envoy's guide for edge proxies.");

export type Hardening = z.output<typeof hardeningSchema>;
