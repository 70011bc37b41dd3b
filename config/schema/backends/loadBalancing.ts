import { z } from "zod";
import { duration, positiveDuration } from "../fields";
import { headerName } from "../routing/match";

const warmup = positiveDuration
  .optional()
  .describe("Slow start: time in which a new endpoint's share grows. Default: none.");

const simple = z.strictObject({
  policy: z
    .enum(["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"])
    // Optional, so that the union below takes this form where no policy is given.
    .optional()
    .default("LEAST_REQUEST")
    .describe("How an endpoint is chosen. Default LEAST_REQUEST."),
  warmup,
});

const byHeader = z.strictObject({
  type: z.literal("header"),
  name: headerName.describe("Header whose value is hashed. Requests without it go anywhere."),
});
const byCookie = z.strictObject({
  type: z.literal("cookie"),
  name: headerName.describe("Cookie whose value is hashed. The gateway sets it where a client has none."),
  ttl: duration
    .default("0s")
    .describe("Lifetime of the cookie that the gateway sets. Default 0s: the browser's session."),
});
const byAddress = z.strictObject({ type: z.literal("source-address") });

const consistentHash = z.strictObject({
  policy: z.literal("CONSISTENT_HASH").describe("Session affinity: equal keys go to one endpoint, while it lasts."),
  key: z
    .discriminatedUnion("type", [byHeader, byCookie, byAddress], { error: "one of header, cookie, source-address" })
    .describe("What of a request is hashed: a header, a cookie, or the client's address."),
});

/** How an endpoint of a backend is chosen. */
export const loadBalancingSchema = z
  .discriminatedUnion("policy", [simple, consistentHash], {
    error: "one of LEAST_REQUEST, ROUND_ROBIN, RANDOM, CONSISTENT_HASH",
  })
  .refine(
    (given) => given.policy !== "RANDOM" || given.warmup === undefined,
    "no warmup with RANDOM: Envoy has slow start for LEAST_REQUEST and ROUND_ROBIN",
  );

export type LoadBalancing = z.output<typeof loadBalancingSchema>;
