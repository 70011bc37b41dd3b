import { z } from "zod";
import { duration } from "../fields";

/** How long a request may take, and each try of it. */
export const timeoutsSchema = z.strictObject({
  request: duration
    .optional()
    .describe("Longest time from a request's first byte to its response's last, retries included. 0s turns it off."),
  backendRequest: duration
    .optional()
    .describe(
      "Longest time of one try; then the next begins, so it needs a retry beside it. Default: none; 0s turns it off.",
    ),
});

/** The same as defaults, where a request timeout is always set. */
export const defaultTimeoutsSchema = timeoutsSchema.extend({
  request: duration
    .default("30s")
    .describe("Default request timeout. Without it a request could wait for ever. Default 30s."),
});
