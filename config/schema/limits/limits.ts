import { z } from "zod";
import { duration, wholeNumber } from "../fields";

/** Limits that would break some services, and so are each service's own. */
export const limitsSchema = z
  .strictObject({
    maxRequestBytes: wholeNumber(1, 2 ** 30, "bytes")
      .optional()
      .describe(
        "Size of a request's body, to within 16 KiB; larger ones get 413. The gateway holds the whole body before it sends any of it on: not for uploads that stream, gRPC streams or WebSocket. Unit: bytes, 1 to 1 GiB. Default: no limit.",
      ),
    streamIdleTimeout: duration
      .optional()
      .describe(
        "Longest time in which nothing moves on a request, such as a WebSocket. 0s turns it off. Default: gateway.hardening.streamIdleTimeout.",
      ),
  })
  .refine((limits) => Object.keys(limits).length > 0, "at least one of maxRequestBytes, streamIdleTimeout");

export type Limits = z.output<typeof limitsSchema>;
