import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { positiveDuration, wholeNumber } from "../fields";

const CODE = "a status code from 400 to 599 that has a name: Istio knows no others";

/** Istio drops numbers that Go's net/http has no name for; 509 is the one that Node.js names and Go does not. */
const isKnown = (code: number) => code >= 400 && code <= 599 && code !== 509 && STATUS_CODES[code] !== undefined;

/** What is tried again, how often, and after which pause. */
export const retrySchema = z.strictObject({
  attempts: wholeNumber(1, 10, "retries").describe("Retries after the first try."),
  codes: z
    .array(
      z.number(CODE).refine(isKnown, CODE).meta({ type: "integer", minimum: 400, maximum: 599 }),
      "a list of status codes",
    )
    .min(1, "at least one status code")
    .refine((codes) => new Set(codes).size === codes.length, "each status code once")
    .optional()
    .describe(
      "Status codes that are retried. Default: none. Failed connections, resets and tries beyond timeouts.backendRequest always are.",
    ),
  backoff: positiveDuration
    .optional()
    .describe(
      "Base of the random pause before a retry. The longest pause doubles with each retry, up to ten times the base. Default: Envoy's, 25ms.",
    ),
});

export type Retry = z.output<typeof retrySchema>;

/** Envoy's base interval. Unit: milliseconds. */
export const DEFAULT_BACKOFF_MS = 25;
/** Envoy's longest pause, as a multiple of the base. */
const MAX_BACKOFF_FACTOR = 10;

/** Longest that the pauses before a number of retries may last in all. Unit: milliseconds. */
export function longestPauses(attempts: number, backoffMs: number): number {
  return Array.from({ length: attempts }, (_, retry) => Math.min(2 ** retry, MAX_BACKOFF_FACTOR) * backoffMs).reduce(
    (sum, pause) => sum + pause,
    0,
  );
}
