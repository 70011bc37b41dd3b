import { z } from "zod";
import { duration, headerName, positiveDuration } from "../fields";

const warmup = positiveDuration
  .optional()
  .describe("Slow start: time over which a new endpoint's share of the requests grows. Default: none.");

const simple = z.strictObject({
  type: z
    .enum(["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"])
    // Optional, so that the union below takes this form if there is no type.
    .optional()
    .default("LEAST_REQUEST")
    .describe("How an endpoint is chosen."),
  warmup,
});

const byHeader = z.strictObject({
  type: z.literal("header"),
  name: headerName.describe("Header to hash. Requests without it go to any endpoint."),
});
const byCookie = z.strictObject({
  type: z.literal("cookie"),
  name: headerName.describe("Cookie to hash. The gateway sets it for clients that have none."),
  ttl: duration.prefault("0s").describe("Lifetime of the cookie that the gateway sets; 0s is the browser's session."),
});
const byAddress = z.strictObject({ type: z.literal("source-address") });

const consistentHash = z.strictObject({
  type: z
    .literal("CONSISTENT_HASH")
    .describe("Session affinity: equal keys go to the same endpoint while it is there."),
  key: z
    .discriminatedUnion("type", [byHeader, byCookie, byAddress], { error: "one of header, cookie, source-address" })
    .describe("What is hashed: a header, a cookie, or the client's address."),
});

/** How an endpoint of a backend is chosen. */
export const loadBalancingSchema = z
  .discriminatedUnion("type", [simple, consistentHash], {
    error: "one of LEAST_REQUEST, ROUND_ROBIN, RANDOM, CONSISTENT_HASH",
  })
  .refine(
    (given) => given.type !== "RANDOM" || given.warmup === undefined,
    "no warmup with RANDOM: Envoy has slow start for LEAST_REQUEST and ROUND_ROBIN only",
  );

export type LoadBalancing = z.output<typeof loadBalancingSchema>;
