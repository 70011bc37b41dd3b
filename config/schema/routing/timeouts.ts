import { z } from "zod";
import { timeLimit } from "../fields";

/** How long a request may take, and each try of it. */
export const timeoutsSchema = z.strictObject({
  request: timeLimit
    .optional()
    .describe("Time from a request's first byte to its response's last, retries included. 0s sets no limit."),
  backendRequest: timeLimit
    .optional()
    .describe(
      "Time for one try; then the next one starts, so this needs a retry beside it. 0s sets no limit. Default: no limit.",
    ),
});

/** The same as defaults, where a request timeout is always set. */
export const defaultTimeoutsSchema = timeoutsSchema.extend({
  request: timeLimit
    .prefault("30s")
    .describe("Time from a request's first byte to its response's last, retries included. 0s sets no limit."),
});
