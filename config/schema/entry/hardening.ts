import { z } from "zod";
import { size, timeLimit, wholeNumber } from "../fields";

/** Largest window that HTTP/2 knows (RFC 9113, section 6.9.1), and the one that it starts with. Unit: bytes. */
const MAX_WINDOW = 2 ** 31 - 1;
const MIN_WINDOW = 65_535;

const window = size(MIN_WINDOW, MAX_WINDOW, "64Ki");

/** What the gateway's listeners put up with. Names are Envoy's; defaults are those of its guide for edge proxies. */
export const hardeningSchema = z
  .strictObject({
    maxConnections: wholeNumber(0, 10_000_000, "connections")
      .default(10_000)
      .describe("Most connections on each port of each gateway proxy; further ones are closed. 0 sets no limit."),
    perConnectionBufferLimit: size("1Ki", "1Gi", "32Ki")
      .default("32Ki")
      .describe(
        "Data of a connection that a proxy buffers before it stops reading; larger request bodies are neither retried nor mirrored.",
      ),

    transportSocketConnectTimeout: timeLimit.prefault("15s").describe("Time for a TLS handshake. 0s sets no limit."),
    requestHeadersTimeout: timeLimit
      .prefault("1m")
      .describe("Time from the first byte of a request's headers to the last. 0s sets no limit."),
    requestTimeout: timeLimit
      .prefault("0s")
      .describe(
        "Time for a client to send a request, body included; an upload that takes longer is cut off. 0s sets no limit.",
      ),
    streamIdleTimeout: timeLimit
      .prefault("5m")
      .describe(
        "Time without data on a request, in either direction, as nginx's proxy_read_timeout; a service overrides it by limits.streamIdleTimeout. 0s sets no limit.",
      ),
    idleTimeout: timeLimit
      .prefault("1h")
      .describe("Time that a connection stays open without a request. 0s sets no limit."),
    maxConnectionDuration: timeLimit
      .optional()
      .describe("Age at which a connection is drained and closed, even if it is in use. Default: no limit."),

    maxRequestHeadersSize: size("1Ki", "8Mi", "60Ki", "1Ki")
      .default("60Ki")
      .describe("Size of all headers of a request; larger ones get 431."),
    maxHeadersCount: wholeNumber(1, 10_000, "headers")
      .default(100)
      .describe("Most headers of a request; more get 431."),
    headersWithUnderscoresAction: z
      .enum(["ALLOW", "REJECT_REQUEST", "DROP_HEADER"], "ALLOW, REJECT_REQUEST or DROP_HEADER")
      .default("REJECT_REQUEST")
      .describe("What to do with headers whose names contain `_`, which some backends read as `-`."),

    maxConcurrentStreams: wholeNumber(1, MAX_WINDOW, "streams")
      .default(100)
      .describe("HTTP/2: most requests at once on one connection."),
    initialStreamWindowSize: window.default("64Ki").describe("HTTP/2: data that a client may send ahead on a request."),
    initialConnectionWindowSize: window
      .default("1Mi")
      .describe("HTTP/2: data that a client may send ahead on a connection."),

    mergeSlashes: z
      .boolean("true or false")
      .default(true)
      .describe("Read `//` in a path as `/` before a route is chosen."),
    pathWithEscapedSlashesAction: z
      .enum(
        ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"],
        "KEEP_UNCHANGED, REJECT_REQUEST, UNESCAPE_AND_REDIRECT or UNESCAPE_AND_FORWARD",
      )
      .default("UNESCAPE_AND_REDIRECT")
      .describe(
        "What to do with %2F and %5C in a path. UNESCAPE_AND_REDIRECT answers with a 307 to the unescaped path.",
      ),

    removeInternalHeaders: z
      .boolean("true or false")
      .default(true)
      .describe("Remove Envoy's own headers from requests and from responses."),
    removeServerHeader: z
      .boolean("true or false")
      .default(true)
      .describe("Remove the header `server` from responses, both Istio's and the backend's."),
  })
  .describe("Limits, timeouts and path normalisation of both listeners, after Envoy's guide for edge proxies.");

export type Hardening = z.output<typeof hardeningSchema>;
