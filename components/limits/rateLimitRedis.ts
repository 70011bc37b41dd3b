import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { Secret, Service } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { RateLimitServiceConfig } from "../../config/schema/limits/rateLimitService";
import { bytes } from "../../config/values/quantity";
import { type GatewayRef, partOf } from "../shared/naming";
import { deploymentSpec, secretVersion, serviceSpec, type Workload } from "./workload";

export interface RateLimitRedisArgs {
  config: Extract<RateLimitServiceConfig["redis"], { type: "own" }>;
  /** Name of the Deployment, the Service and the Secret. */
  objectName: string;
  gateway: GatewayRef;
  namespace: string;
}

export const REDIS_PORT = 6379;

/** Redis's `mb`. */
const MEBIBYTE = bytes("1Mi");

/** The Secret's key that holds the password. */
export const PASSWORD_KEY = "password";

/**
 * Redis for the counters of global rate limits: one Pod without persistence, since only the counts of the current window can be
 * lost.
 */
export class RateLimitRedis extends pulumi.ComponentResource {
  /** For every Pod that uses the password. */
  readonly podAnnotations: Workload["podAnnotations"];

  constructor(name: string, args: RateLimitRedisArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:RateLimitRedis", name, {}, opts);
    const { objectName, namespace, gateway } = args;
    const child = { parent: this };
    const metadata = { name: objectName, namespace, labels: partOf(gateway) };
    // Letters and digits: the password goes into redis.conf unquoted.
    const password = new random.RandomPassword(name, { length: 32, special: false }, child);
    const secret = new Secret(
      name,
      {
        metadata,
        stringData: { [PASSWORD_KEY]: password.result, "redis.conf": redisConf(args.config, password.result) },
      },
      child,
    );
    this.podAnnotations = secretVersion(secret);
    const workload = { ...redisWorkload(args), podAnnotations: this.podAnnotations };
    new Service(name, { metadata, spec: serviceSpec(workload) }, child);
    new Deployment(name, { metadata, spec: deploymentSpec(workload) }, { parent: this, dependsOn: secret });
    this.registerOutputs();
  }
}

/** In a file, not in arguments, which everyone on the node can see. */
export function redisConf(
  { resources }: RateLimitRedisArgs["config"],
  password: pulumi.Input<string>,
): pulumi.Output<string> {
  const lines = [
    'save ""',
    "appendonly no",
    `maxmemory ${Math.floor((bytes(resources.memory) / MEBIBYTE) * 0.75)}mb`,
    // Every counter expires; when full, Redis evicts the one that expires first.
    "maxmemory-policy volatile-ttl",
  ];
  return pulumi.interpolate`requirepass ${password}\n${lines.join("\n")}\n`;
}

export function redisWorkload({ config, objectName, gateway }: RateLimitRedisArgs): Workload {
  return {
    name: objectName,
    gateway,
    app: "redis",
    image: config.image,
    command: ["redis-server", "/config/redis.conf"],
    ports: { "tcp-redis": REDIS_PORT },
    servicePorts: ["tcp-redis"],
    mountPath: "/config",
    volume: { secret: { secretName: objectName, items: [{ key: "redis.conf", path: "redis.conf" }] } },
    resources: config.resources,
    readiness: { tcpSocket: { port: "tcp-redis" }, periodSeconds: 5 },
    liveness: { tcpSocket: { port: "tcp-redis" }, periodSeconds: 10 },
    user: 999,
    replicas: 1,
    // Two at once would count separately.
    strategy: { type: "Recreate" },
  };
}
