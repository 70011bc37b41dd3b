import { z } from "zod";
import { size } from "../fields";

/** Content codings that Envoy can apply and browsers ask for. */
const ALGORITHMS = ["brotli", "gzip"] as const;

/** Texts, and what is much like one. No streams of events: each would be sent as a block of its own. */
const CONTENT_TYPES = [
  "text/html",
  "text/css",
  "text/javascript",
  "text/plain",
  "text/xml",
  "text/csv",
  "application/javascript",
  "application/json",
  "application/problem+json",
  "application/ld+json",
  "application/manifest+json",
  "application/xml",
  "application/xhtml+xml",
  "application/rss+xml",
  "application/atom+xml",
  "application/wasm",
  "image/svg+xml",
];

/** RFC 9110, section 8.3.1, in lower case and without parameters, as Envoy compares it. gRPC compresses its messages itself. */
const CONTENT_TYPE = /^(?!application\/grpc)[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;

/** Answers that the gateway compresses for clients that accept it. */
export const compressionSchema = z.strictObject({
  algorithms: z
    .array(z.enum(ALGORITHMS, "brotli or gzip"), "a list of brotli and gzip")
    .min(1, "at least one of brotli, gzip")
    .refine((names) => new Set(names).size === names.length, "each algorithm once")
    .default([...ALGORITHMS])
    .describe("How answers are compressed. Of those that a client accepts equally, the first in this list."),
  minSize: size(30, "1Gi", "1Ki")
    .default("1Ki")
    .describe("Smallest body that is compressed, by its Content-Length. Bodies without one always are."),
  contentTypes: z
    .array(
      z
        .string("a content type such as text/html")
        .regex(CONTENT_TYPE, "a content type such as text/html, in lower case, without parameters, and not of gRPC"),
      "a list of content types",
    )
    .min(1, "at least one content type")
    .max(64, "at most 64 content types")
    .default(CONTENT_TYPES)
    .describe("Content types that are compressed, in place of the default ones."),
});

export type Compression = z.output<typeof compressionSchema>;
