import * as pulumi from "@pulumi/pulumi";
import { runError } from "../../config/load/runError";
import { type GatewayRef, ownName } from "../shared/naming";

/** What an object's props say, as far as it is known before the update. */
interface Known {
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly annotations?: Texts };
  readonly data?: Texts;
  readonly spec?: object;
}

/** Undefined if it is not known. */
type Texts = Readonly<Record<string, string | undefined>>;

interface Bound {
  readonly what: string;
  readonly most: number;
  /** Undefined if the bound is not for this kind. */
  readonly measure: (object: Known, kind: string) => number | undefined;
}

/** Of etcd's 1.5 MiB for a request (`--max-request-bytes`), an eighth is left for status, managedFields and defaults. */
export const MAX_OBJECT = (1.5 * 1024 * 1024 * 7) / 8;
/** `MaxSecretSize` of Kubernetes, which is also for ConfigMaps. */
export const MAX_DATA = 1024 * 1024;
/** `TotalAnnotationSizeLimitB` of Kubernetes. */
export const MAX_ANNOTATIONS = 256 * 1024;
/** Prometheus Operator and VictoriaMetrics' operator fill ConfigMaps half, and refuse an object that does not fit in one. */
export const MAX_RULES = MAX_DATA / 2;
/** `kExpressionSizeCodepointLimit` of cel-cpp: Envoy rejects the listener if an expression is longer. */
export const MAX_EXPRESSION = 100_000;

/** The narrowest first: an object is reported once. */
const BOUNDS: readonly Bound[] = [
  {
    what: "bytes of data",
    most: MAX_DATA,
    measure: ({ data = {} }) => Object.values(data).reduce((sum, text = "") => sum + Buffer.byteLength(text), 0),
  },
  {
    what: "bytes of annotations",
    most: MAX_ANNOTATIONS,
    measure: ({ metadata: { annotations = {} } = {} }) =>
      Object.entries(annotations).reduce((sum, [key, text = ""]) => sum + Buffer.byteLength(key + text), 0),
  },
  {
    what: "bytes of rules",
    most: MAX_RULES,
    measure: ({ spec }, kind) => (/^(PrometheusRule|VMRule)$/.test(kind) ? sizeOf(spec) : undefined),
  },
  {
    what: "characters of its longest expression",
    most: MAX_EXPRESSION,
    measure: ({ spec }, kind) => (kind === "Telemetry" ? longestExpression(spec) : undefined),
  },
  { what: "bytes", most: MAX_OBJECT, measure: (object) => sizeOf(object) },
];

/** What makes an object grow, by the last part of its name. */
const KEYS: Readonly<Record<string, string>> = {
  access: "services[].access",
  alerts: "services[].backends",
  answers: "services[].respond",
  "client-ca": "gateway.tls.clientCertificates.caCertificate",
  compression: "services[].compression",
  credentials: "services[].access",
  dashboard: "services[].backends",
  "error-pages": "services[].errorPages",
  fault: "services[].fault",
  "global-rate-limit": "services[].rateLimit",
  jwt: "services[].access",
  limits: "services[].limits",
  "local-rate-limit": "services[].rateLimit",
  "rate-limit": "services[].rateLimit",
  retry: "services[].retry",
  rewrite: "services[].rewrite",
  "session-persistence": "services[].sessionPersistence",
  telemetry: "services[].telemetry",
};

/** The key that makes an object grow; for a route, that of its service. */
export function growsWith(kind: string, name: string, gateway: Pick<GatewayRef, "name">): string {
  if (/^(HTTP|GRPC)Route$/.test(kind)) {
    const [service = ""] = name.split(".");
    return `the paths of service ${service}, and what they set`;
  }
  const suffix = name.startsWith(ownName(gateway, "")) ? name.slice(ownName(gateway, "").length) : "";
  // Further pages have a number, what is replaced when it changes has a hash of its content, and parts of a filter have both.
  return KEYS[suffix] ?? KEYS[suffix.replace(/(-\d+)?-[0-9a-f]+$/, "")] ?? "services";
}

/** What is wrong with an object's size, in one line; undefined if nothing is. */
export function sizeProblem(kind: string, object: Known, gateway: Pick<GatewayRef, "name">): string | undefined {
  const { name = "", namespace = "" } = object.metadata ?? {};
  for (const { what, most, measure } of BOUNDS) {
    const size = measure(object, kind) ?? 0;
    if (size > most) {
      const grows = growsWith(kind, name, gateway);
      return `${kind} ${namespace}/${name}: ${size} ${what}, expected at most ${most}; it grows with ${grows}`;
    }
  }
  return undefined;
}

/** Components make nothing themselves. */
const COMPONENTS = "istio-gateway";

/**
 * The sizes of all objects of a gateway. The API server refuses a large one when its turn comes, in the middle of an update, and a
 * preview without a cluster would not notice.
 */
export class ObjectSizes {
  private readonly problems: string[] = [];
  private allow: () => void = () => undefined;
  /** In an update, no object, key or certificate is registered before all objects are measured. */
  private readonly allowed = new Promise<void>((resolve) => (this.allow = resolve));

  constructor(private readonly gateway: Pick<GatewayRef, "name">) {}

  /** For the component whose objects are measured. */
  readonly transformation: pulumi.ResourceTransformation = ({ type, props, opts }) => {
    const [provider = "", , kind = ""] = type.split(":");
    if (provider === "kubernetes") {
      const problem = sizeProblem(kind, known(props) as Known, this.gateway);
      this.problems.push(...(problem === undefined ? [] : [problem]));
    }
    if (pulumi.runtime.isDryRun() || provider === COMPONENTS) {
      return undefined;
    }
    const dependsOn = this.allowed.then(() => opts.dependsOn ?? []) as pulumi.CustomResourceOptions["dependsOn"];
    return { props, opts: { ...opts, dependsOn } };
  };

  /** Call it after the component. @throws {pulumi.RunError} that lists every object that is too large. */
  check(): void {
    if (this.problems.length > 0) {
      const count = this.problems.length === 1 ? "1 object is" : `${this.problems.length} objects are`;
      throw runError(
        [
          `${count} too large, nothing was changed:`,
          ...this.problems.map((line) => `  ${line}`),
          "Give some of the services a gateway of their own, in another stack.",
        ].join("\n"),
      );
    }
    this.allow();
  }
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}

function longestExpression(value: unknown): number {
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  const lengths = Object.entries(value).map(([key, entry]) =>
    key === "expression" && typeof entry === "string" ? entry.length : longestExpression(entry),
  );
  return Math.max(0, ...lengths);
}

/** A value without its Outputs: what is only known in the update, a key for instance, does not grow. */
function known(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(known);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return pulumi.Output.isInstance(value)
    ? undefined
    : Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, known(entry)]));
}
