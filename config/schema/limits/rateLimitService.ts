import { z } from "zod";
import { sharedLimitSchema } from "./rateLimit";
import { address, cpuAmount, dnsLabel, port, positiveDuration, size, wholeNumber } from "../fields";

const image = z
  .string("an image with a tag or a digest")
  .regex(
    /^[a-z0-9][a-z0-9._/:-]*(:(?!latest$)[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/,
    "an image with a tag other than latest, or a digest, such as docker.io/library/redis:7.2.5-alpine",
  );

/** Kubernetes quantities, without the rare forms. */
const resources = (cpu: string, memory: string) =>
  z
    .strictObject({
      cpu: cpuAmount.default(cpu).describe("CPU request."),
      memory: size("16Mi", "64Gi", "128Mi", "1Mi").default(memory).describe("Memory request and limit."),
    })
    .prefault({});

const ownRedis = z.strictObject({
  type: z.literal("own"),
  image: image.default("docker.io/library/redis:7.2.5-alpine").describe("Image of Redis, with a tag."),
  resources: resources("100m", "128Mi").describe("Resources of Redis; three quarters of the memory hold counters."),
});

const externalRedis = z.strictObject({
  type: z.literal("external"),
  host: address.describe("Host name or IP address of the Redis."),
  port: port.default(6379).describe("Port of the Redis."),
  tls: z
    .boolean("true or false")
    .default(true)
    .describe("Connect with TLS; the server's certificate has to come from a public CA."),
  password: z
    .string("a password, or USER:PASSWORD")
    .min(1, "a password, or USER:PASSWORD")
    .optional()
    .describe("Password, or USER:PASSWORD, as a Pulumi secret. Default: none.")
    .meta({ sealable: true }),
});

/** The service that counts for global rate limits, and where it keeps its counters. */
export const rateLimitServiceSchema = z
  .strictObject({
    namespace: dnsLabel.optional().describe("Namespace of the service and its Redis. Default: the Gateway's."),
    replicas: wholeNumber(1, 20, "replicas").default(2).describe("Number of Pods."),
    image: image
      .default("docker.io/envoyproxy/ratelimit:3fb70258")
      .describe("Image of envoyproxy/ratelimit, with a tag."),
    resources: resources("100m", "128Mi").describe("Resources of each Pod."),
    failureMode: z
      .enum(["open", "closed"], "open or closed")
      .default("open")
      .describe("If counting fails: open lets requests through, closed answers 503."),
    timeout: positiveDuration.prefault("100ms").describe("Time to wait for an answer; after that counting has failed."),
    shared: z
      .record(dnsLabel, sharedLimitSchema, "a map of names to limits")
      .optional()
      .describe("Global limits by name, each one count for all services that have it as { type: shared, name: NAME }."),
    redis: z
      .discriminatedUnion("type", [ownRedis, externalRedis], { error: "one of own, external" })
      .prefault({ type: "own" })
      .describe("Redis that holds the counters: its own, without persistence, or an external one."),
  })
  .describe("The service that counts for global rate limits. It is deployed if a service has one.");

export type RateLimitServiceConfig = z.output<typeof rateLimitServiceSchema>;
