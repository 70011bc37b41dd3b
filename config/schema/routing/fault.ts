import { z } from "zod";
import { percentage, positiveDurationUpTo } from "../fields";

/** What Envoy can answer in place of a backend. */
const STATUS = "an HTTP status from 200 to 599";

const percent = percentage(1, 100).default(100);

/** Requests that are delayed or aborted on purpose, to test how clients cope. */
export const faultSchema = z
  .strictObject({
    delay: z
      .strictObject({
        duration: positiveDurationUpTo("1h", "2s").describe(
          "Time that a request waits before it is forwarded; timeouts.request does not include it.",
        ),
        percent: percent.describe("Share of the requests that are delayed."),
      })
      .optional()
      .describe("Requests that are delayed. Default: none."),
    abort: z
      .strictObject({
        status: z
          .number(STATUS)
          .int(STATUS)
          .min(200, STATUS)
          .max(599, STATUS)
          .describe(
            "Status of the answer. A gRPC client gets the code that gRPC maps it to, such as UNAVAILABLE for 503.",
          ),
        percent: percent.describe("Share of the requests that are aborted, whether they were delayed or not."),
      })
      .optional()
      .describe("Requests that the gateway answers itself, so that no backend sees them. Default: none."),
  })
  .refine((fault) => Object.keys(fault).length > 0, "at least one of delay, abort");

export type Fault = z.output<typeof faultSchema>;
