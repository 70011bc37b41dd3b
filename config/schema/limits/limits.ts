import { z } from "zod";
import { size, timeLimit, wholeNumber } from "../fields";

const ofRequests = {
  maxRequestSize: size(1, "1Gi", "1Mi")
    .optional()
    .describe(
      "Size of a request's body, to within 16Ki; larger ones get 413. The gateway buffers the whole body before it forwards any of it: not for streaming uploads, gRPC streams or WebSocket. Default: no limit.",
    ),
  streamIdleTimeout: timeLimit
    .optional()
    .describe(
      "Time without data on a request, such as a WebSocket. 0s sets no limit. Default: gateway.hardening.streamIdleTimeout.",
    ),
};

/** Limits that would break some services, and so are each service's own. */
export const limitsSchema = z
  .strictObject({
    ...ofRequests,
    maxConnections: wholeNumber(1, 1_000_000, "connections")
      .optional()
      .describe(
        "Connections to a service of protocol tcp, tls-passthrough or tls-terminate at a time, in each proxy; more are closed. Default: no limit.",
      ),
  })
  .refine(
    (limits) => Object.keys(limits).length > 0,
    "at least one of maxRequestSize, streamIdleTimeout, maxConnections",
  );

/** Those of one path: connections carry requests of several. */
export const pathLimitsSchema = z
  .strictObject(ofRequests)
  .refine((limits) => Object.keys(limits).length > 0, "at least one of maxRequestSize, streamIdleTimeout");

export type Limits = z.output<typeof pathLimitsSchema>;
