import { z } from "zod";
import { timeLimit } from "../fields";

/** How long a backend may take to begin its answer, unless something else is set. */
export const DEFAULT_BACKEND_REQUEST = "1m";

const request = timeLimit.describe(
  "Time from a request's first byte to its response's last, retries included; a download that takes longer is cut off. 0s sets no limit.",
);

/** How long a request may take, and each try of it. Silence is limited by `streamIdleTimeout`, of limits or of gateway.hardening. */
export const timeoutsSchema = z.strictObject({
  request: request.optional(),
  backendRequest: timeLimit
    .optional()
    .describe(
      `Time for a backend to begin its answer, from the end of the request; then the next try starts, if there is a retry, or the client gets 504. 0s sets no limit. Default: ${DEFAULT_BACKEND_REQUEST}; no limit with a retry, which would send the request again.`,
    ),
});

/** The same as defaults. */
export const defaultTimeoutsSchema = timeoutsSchema.extend({ request: request.prefault("0s") });
