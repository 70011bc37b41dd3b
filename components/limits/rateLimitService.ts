import { createHash } from "node:crypto";
import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { ConfigMap, Secret, Service } from "@pulumi/kubernetes/core/v1";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import * as pulumi from "@pulumi/pulumi";
import type { RateLimitServiceConfig } from "../../config/schema/limits/rateLimitService";
import { partOf } from "../shared/naming";
import type { RateLimitConfig } from "./rateLimitDescriptors";
import { PASSWORD_KEY, RateLimitRedis, REDIS_PORT } from "./rateLimitRedis";
import { deploymentSpec, podLabels, secretVersion, serviceSpec, type Workload } from "./workload";

export interface RateLimitServiceArgs {
  config: RateLimitServiceConfig & { namespace: string };
  /** What is counted. */
  limits: RateLimitConfig;
  gatewayName: string;
}

export const GRPC_PORT = 8081;

/** Name of the Service and its Deployment; those of Redis have `-redis` after it. */
export function rateLimitServiceName(gatewayName: string): string {
  return `${gatewayName}--rate-limit`;
}

/** envoyproxy/ratelimit, and the Redis or the password that it needs. */
export class RateLimitService extends pulumi.ComponentResource {
  constructor(name: string, args: RateLimitServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("istio-gateway:index:RateLimitService", name, {}, opts);
    const { config, gatewayName, limits } = args;
    const { namespace } = config;
    const child = { parent: this };
    const metadata = { name: rateLimitServiceName(gatewayName), namespace, labels: partOf(gatewayName) };
    const { podAnnotations, dependsOn } = this.redis(name, args);
    // JSON is YAML.
    const data = { "config.yaml": `${JSON.stringify(limits, null, 2)}\n` };
    // Named by its content: a changed limit takes effect by new Pods, which `pulumi up` waits for.
    const hash = createHash("sha256").update(data["config.yaml"]).digest("hex").slice(0, 10);
    const mapName = `${metadata.name}-${hash}`;
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

  /** A Redis of its own, or the Secret for another's password. */
  private redis(
    name: string,
    { config, gatewayName }: RateLimitServiceArgs,
  ): { podAnnotations: Workload["podAnnotations"]; dependsOn: pulumi.Resource[] } {
    const { namespace, redis } = config;
    const objectName = redisName(gatewayName);
    if (redis.mode === "own") {
      const args = { config: redis, objectName, gatewayName, namespace };
      const own = new RateLimitRedis(`${name}-redis`, args, { parent: this });
      return { podAnnotations: own.podAnnotations, dependsOn: [own] };
    }
    if (redis.password === undefined) {
      return { podAnnotations: {}, dependsOn: [] };
    }
    const secret = new Secret(
      `${name}-redis`,
      {
        metadata: { name: objectName, namespace, labels: partOf(gatewayName) },
        stringData: { [PASSWORD_KEY]: pulumi.secret(redis.password) },
      },
      { parent: this },
    );
    return { podAnnotations: secretVersion(secret), dependsOn: [secret] };
  }
}

function redisName(gatewayName: string): string {
  return `${rateLimitServiceName(gatewayName)}-redis`;
}

export function rateLimitWorkload(
  { config, gatewayName }: Omit<RateLimitServiceArgs, "limits">,
  configMap: string,
): Workload {
  const { redis, namespace } = config;
  const hasPassword = redis.mode === "own" || redis.password !== undefined;
  const [host, port] =
    redis.mode === "own"
      ? [`${redisName(gatewayName)}.${namespace}.svc.cluster.local`, REDIS_PORT]
      : [redis.host, redis.port];
  const settings: Record<string, string> = {
    LOG_LEVEL: "warn",
    LOG_FORMAT: "json",
    // The config is at ROOT/SUBDIRECTORY/config; what starts with a dot are Kubernetes' own links.
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
    REDIS_TLS: String(redis.mode === "external" && redis.tls),
    REDIS_TIMEOUT: "1s",
    // Without Redis the Pods are not ready, and Envoy need not wait for an answer that does not come.
    REDIS_HEALTH_CHECK_ACTIVE_CONNECTION: "true",
  };
  return {
    name: rateLimitServiceName(gatewayName),
    gatewayName,
    app: "ratelimit",
    image: config.image,
    command: ["/bin/ratelimit"],
    env: [
      ...Object.entries(settings).map(([name, value]) => ({ name, value })),
      ...(hasPassword
        ? [{ name: "REDIS_AUTH", valueFrom: { secretKeyRef: { name: redisName(gatewayName), key: PASSWORD_KEY } } }]
        : []),
    ],
    ports: { http: 8080, grpc: GRPC_PORT, metrics: 9090 },
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
