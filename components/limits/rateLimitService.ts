import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { ConfigMap, Secret, Service } from "@pulumi/kubernetes/core/v1";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Service as ServiceConfig } from "../../config";
import type { RateLimitServiceConfig } from "../../config/schema/limits/rateLimitService";
import { contentHash } from "../shared/contentHash";
import {
  type GatewayRef,
  partOf,
  RATE_LIMIT_PORT,
  rateLimitServiceName,
  SUFFIXES,
  workloadName,
} from "../shared/naming";
import { rateLimitConfig } from "./rateLimitDescriptors";
import { PASSWORD_KEY, RateLimitRedis, REDIS_PORT } from "./rateLimitRedis";
import { deploymentSpec, podLabels, secretVersion, serviceSpec, type Workload } from "./workload";

export interface RateLimitServiceArgs {
  /** Images, resources, Redis and namespace: `rateLimitService` of `gatewayConfig()`. */
  config: RateLimitServiceConfig & { namespace: string };
  /** Services whose global limits are counted: `services` of `gatewayConfig()`. */
  services: readonly ServiceConfig[];
  /** The Gateway whose proxies ask. Names and labels derive from it. */
  gateway: GatewayRef;
}

/**
 * envoyproxy/ratelimit, which counts global limits across all proxies, and the Redis or the password that it needs.
 * `envoyFilters()` makes the proxies call it.
 */
export class RateLimitService extends pulumi.ComponentResource {
  constructor(name: string, args: RateLimitServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:RateLimitService", name, {}, opts);
    const { config, gateway, services } = args;
    const { namespace } = config;
    const child = { parent: this };
    const metadata = { name: rateLimitServiceName(gateway, namespace), namespace, labels: partOf(gateway) };
    const { podAnnotations, dependsOn } = this.redis(name, args);
    // JSON is YAML, and without spaces half as large.
    const data = { "config.yaml": `${JSON.stringify(rateLimitConfig(services, gateway))}\n` };
    // A changed limit rolls out new Pods, which `pulumi up` waits for.
    const mapName = `${metadata.name}-${contentHash(data["config.yaml"])}`;
    const map = new ConfigMap(name, { metadata: { ...metadata, name: mapName }, data, immutable: true }, child);
    const workload = rateLimitWorkload(args, mapName);
    const spec = deploymentSpec({ ...workload, podAnnotations });
    new Service(name, { metadata, spec: serviceSpec(workload) }, child);
    new Deployment(name, { metadata, spec }, { parent: this, dependsOn: [map, ...dependsOn] });
    new PodDisruptionBudget(
      name,
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: podLabels(workload) } } },
      child,
    );
    this.registerOutputs();
  }

  /** Its own Redis, or the Secret with the password of an external one. */
  private redis(
    name: string,
    { config, gateway }: RateLimitServiceArgs,
  ): { podAnnotations: Workload["podAnnotations"]; dependsOn: pulumi.Resource[] } {
    const { namespace, redis } = config;
    if (redis.type === "own") {
      const args = { config: redis, objectName: redisName(gateway, namespace), gateway, namespace };
      const own = new RateLimitRedis(`${name}-redis`, args, { parent: this });
      return { podAnnotations: own.podAnnotations, dependsOn: [own] };
    }
    if (redis.password === undefined) {
      return { podAnnotations: {}, dependsOn: [] };
    }
    const secret = new Secret(
      `${name}-redis`,
      {
        metadata: { name: passwordName(gateway, config), namespace, labels: partOf(gateway) },
        stringData: { [PASSWORD_KEY]: pulumi.secret(redis.password) },
      },
      { parent: this },
    );
    return { podAnnotations: secretVersion(secret), dependsOn: [secret] };
  }
}

function redisName(gateway: GatewayRef, namespace: string): string {
  return workloadName(gateway, SUFFIXES.rateLimitRedis, namespace);
}

/** Name of the Secret with the password. Not one name for both types: their Secrets are different resources of Pulumi. */
function passwordName(gateway: GatewayRef, { redis, namespace }: RateLimitServiceArgs["config"]): string {
  return redis.type === "own"
    ? redisName(gateway, namespace)
    : workloadName(gateway, SUFFIXES.rateLimitPassword, namespace);
}

export function rateLimitWorkload(
  { config, gateway }: Omit<RateLimitServiceArgs, "services">,
  configMap: string,
): Workload {
  const { redis, namespace } = config;
  const hasPassword = redis.type === "own" || redis.password !== undefined;
  const [host, port] =
    redis.type === "own"
      ? [`${redisName(gateway, namespace)}.${namespace}.svc.cluster.local`, REDIS_PORT]
      : [redis.host, redis.port];
  const settings: Record<string, string> = {
    LOG_LEVEL: "warn",
    LOG_FORMAT: "json",
    // The config is at ROOT/SUBDIRECTORY/config; names with a leading dot are Kubernetes' own links.
    RUNTIME_ROOT: "/data",
    RUNTIME_SUBDIRECTORY: "ratelimit",
    RUNTIME_WATCH_ROOT: "false",
    RUNTIME_IGNOREDOTFILES: "true",
    HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED: "true",
    DEBUG_HOST: "127.0.0.1",
    USE_STATSD: "false",
    USE_PROMETHEUS: "true",
    REDIS_SOCKET_TYPE: "tcp",
    REDIS_URL: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    REDIS_TLS: String(redis.type === "external" && redis.tls),
    REDIS_TIMEOUT: "1s",
    // Without Redis the Pods are not ready, so Envoy does not wait for an answer that never comes.
    REDIS_HEALTH_CHECK_ACTIVE_CONNECTION: "true",
  };
  return {
    name: rateLimitServiceName(gateway, namespace),
    gateway,
    app: "ratelimit",
    image: config.image,
    command: ["/bin/ratelimit"],
    env: [
      ...Object.entries(settings).map(([name, value]) => ({ name, value })),
      ...(hasPassword
        ? [
            {
              name: "REDIS_AUTH",
              valueFrom: { secretKeyRef: { name: passwordName(gateway, config), key: PASSWORD_KEY } },
            },
          ]
        : []),
    ],
    ports: { http: 8080, grpc: RATE_LIMIT_PORT, metrics: 9090 },
    servicePorts: ["grpc"],
    mountPath: "/data/ratelimit/config",
    volume: { configMap: { name: configMap } },
    resources: config.resources,
    readiness: { httpGet: { path: "/healthcheck", port: "http" }, periodSeconds: 5 },
    liveness: { tcpSocket: { port: "grpc" }, periodSeconds: 10 },
    user: 65532,
    replicas: config.replicas,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  };
}
