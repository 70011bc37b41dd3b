import { z } from "zod";
import { percentage, positiveDurationUpTo } from "../fields";

/** What Envoy can answer in place of a backend. */
const STATUS = "an HTTP status from 200 to 599";

const percent = percentage(1, 100).default(100);

/** Requests that are delayed or aborted on purpose, to see how clients bear it. */
export const faultSchema = z
  .strictObject({
    delay: z
      .strictObject({
        duration: positiveDurationUpTo("1h", "2s").describe(
          "How long a request waits before it is forwarded. No request timeout counts it.",
        ),
        percent: percent.describe("Share of the requests that are delayed."),
      })
      .optional()
      .describe("Requests that wait. Default: none."),
    abort: z
      .strictObject({
        status: z
          .number(STATUS)
          .int(STATUS)
          .min(200, STATUS)
          .max(599, STATUS)
          .describe("Status of the gateway's answer. A gRPC client sees the code that gRPC maps it to."),
        percent: percent.describe("Share of the requests that are aborted, of the delayed ones too."),
      })
      .optional()
      .describe("Requests that the gateway answers itself, none of which reaches a backend. Default: none."),
  })
  .refine((fault) => Object.keys(fault).length > 0, "at least one of delay, abort");

export type Fault = z.output<typeof faultSchema>;
