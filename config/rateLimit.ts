import { z } from "zod";
import { wholeNumber } from "./fields";
import { headerName } from "./match";

const bucket = {
  requests: wholeNumber(1, 1_000_000, "requests").describe("Requests that are let through in each unit of time."),
  per: z.enum(["second", "minute", "hour"], "second, minute or hour").describe("The unit of time."),
};

/** How many clients a proxy keeps apart, the least recently seen leaves first. */
const maxClients = wholeNumber(1, 1_000_000, "clients")
  .default(10_000)
  .describe("Clients that a proxy keeps apart at once; each takes some memory. Default 10000.");

const local = z.strictObject({ type: z.literal("local"), ...bucket });
const localByAddress = z.strictObject({ type: z.literal("local-by-address"), ...bucket, maxClients });
const localByHeader = z.strictObject({
  type: z.literal("local-by-header"),
  ...bucket,
  maxClients,
  header: headerName.describe("Header whose values are kept apart. Requests without it share one limit."),
});

/**
 * A limit of requests; more get 429 with x-ratelimit headers. Each gateway proxy counts for itself, and so does each
 * rule of the service: with N proxies up to N times as many come through.
 */
export const rateLimitSchema = z
  .discriminatedUnion("type", [local, localByAddress, localByHeader], {
    error: "one of local, local-by-address, local-by-header",
  })
  .describe(
    "Limit of requests, counted by each gateway proxy: for the rule, for each client address, or for each value of a header.",
  );

export type RateLimitInput = z.output<typeof rateLimitSchema>;
