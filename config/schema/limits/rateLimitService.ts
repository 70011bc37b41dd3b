import { z } from "zod";
import { address, dnsLabel, duration, port, wholeNumber } from "../fields";

const image = z
  .string("an image with a tag or a digest")
  .regex(
    /^[a-z0-9][a-z0-9._/:-]*(:(?!latest$)[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/,
    "an image with a tag other than latest, or a digest, such as docker.io/library/redis:7.2.5-alpine",
  );

/** Kubernetes quantities, without the rare forms. */
const resources = (cpu: string, memoryMiB: number) =>
  z
    .strictObject({
      cpu: z
        .string("an amount of CPU such as 100m")
        .regex(/^([1-9]\d*m?|\d+\.\d{1,3})$/, "an amount of CPU such as 100m or 1")
        .default(cpu)
        .describe(`CPU that is reserved. Default ${cpu}.`),
      memoryMiB: wholeNumber(16, 65_536, "MiB")
        .default(memoryMiB)
        .describe(`Memory that is reserved, and the most that is used. Unit: MiB. Default ${memoryMiB}.`),
    })
    .prefault({});

const ownRedis = z.strictObject({
  mode: z.literal("own"),
  image: image.default("docker.io/library/redis:7.2.5-alpine").describe("Image of Redis, with a tag."),
  resources: resources("100m", 128).describe("What Redis may use; three quarters of the memory hold counters."),
});

const externalRedis = z.strictObject({
  mode: z.literal("external"),
  host: address.describe("Host name or IP address of the Redis."),
  port: port.default(6379).describe("Its port. Default 6379."),
  tls: z
    .boolean("true or false")
    .default(true)
    .describe("Connect by TLS, with a certificate of a public CA. Default true."),
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
    replicas: wholeNumber(1, 20, "replicas").default(2).describe("Pods that count. Default 2."),
    image: image
      .default("docker.io/envoyproxy/ratelimit:3fb70258")
      .describe("Image of envoyproxy/ratelimit, with a tag."),
    resources: resources("100m", 128).describe("What each of its Pods may use."),
    failureMode: z
      .enum(["open", "closed"], "open or closed")
      .default("open")
      .describe("Where counting fails: open lets requests through, closed answers 503. Default open."),
    timeout: duration
      .refine((value) => !/^(0+(h|m|s|ms))+$/.test(value), "a duration above 0, such as 100ms")
      .default("100ms")
      .describe("Longest wait for an answer; after it counting has failed. Default 100ms."),
    redis: z
      .discriminatedUnion("mode", [ownRedis, externalRedis], { error: "one of own, external" })
      .prefault({ mode: "own" })
      .describe("Redis that holds the counters: one that is made here, without persistence, or another."),
  })
  .describe("The service that counts for global rate limits. It is made where a service has one.");

export type RateLimitServiceConfig = z.output<typeof rateLimitServiceSchema>;
