import { z } from "zod";
import { durationBetween } from "../fields";

/** Named as in the Gateway API's experimental field: https://gateway-api.sigs.k8s.io/geps/gep-1619/ */
export const sessionPersistenceSchema = z.strictObject({
  absoluteTimeout: durationBetween("1s", "365d", "seconds", "8h")
    .optional()
    .describe("Time for which the cookie is kept. Default: until the browser ends its session."),
});

export type SessionPersistence = z.output<typeof sessionPersistenceSchema>;
