import { ruleName } from "../../../config/resolve/paths";
import { milliseconds } from "../../../config/values/duration";

import { isGlobal, limitName, type ParsedRateLimit } from "../../../config/schema/limits/rateLimit";
import { given, type Draw, type Values } from "./draw";
import { drawAnswer, IN_PLACE_OF_BACKENDS } from "./answers";
import { drawAccess, drawPort, type Shared } from "./shared";

/** A service of a valid config. It rarely shares backends. */
export function drawService(draw: Draw, shared: Shared, name: string): Values {
  const isGrpc = draw.chance(20);
  const namespace = shared.namespace ?? draw.pick(shared.namespaces);
  const canary = draw.maybe(35, () => drawCanary(draw, shared, name, isGrpc));
  const byVersion = canary?.versions !== undefined;
  const paths = draw.maybe(70, () => drawPaths(draw, shared, name, isGrpc, canary));
  const backends = byVersion ? undefined : draw.maybe(40, () => drawBackends(draw, shared, `${name}-b`));
  const hasShares = canary !== undefined || [{ backends }, ...(paths ?? [])].some((one) => hasSeveral(one.backends));
  const limits = draw.maybe(20, () =>
    draw.atLeastOne(60, {
      maxRequestSize: () => draw.size(1, 2 ** 30),
      streamIdleTimeout: () => draw.pick(["0s", draw.duration()]),
    }),
  );
  // A path with limits of its own has none of the service's.
  const idleTimeouts = [limits?.streamIdleTimeout, ...(paths ?? []).map((path) => path.limits && "")].map(
    (timeout) => (timeout || shared.streamIdleTimeout) as string,
  );
  const service = given({
    name: byVersion ? name.slice(0, 50).replace(/-+$/, "") : name,
    namespace,
    protocol: isGrpc ? "grpc" : draw.maybe(10, () => "http"),
    // The program makes the Services of versions, with this number.
    port: draw.maybe(60, () => drawPort(draw, { portNames: shared.portNames && !byVersion })),
    backends,
    paths,
    canary,
    ...(isGrpc ? {} : drawTimes(draw, shared)),
    cors:
      isGrpc || (paths ?? []).some(({ match }) => match !== undefined)
        ? undefined
        : draw.maybe(20, () => drawCors(draw)),
    compression: isGrpc ? undefined : draw.maybe(15, () => draw.orOff(() => drawCompression(draw))),
    sessionPersistence: isGrpc || hasShares ? undefined : draw.maybe(10, () => drawPersistence(draw)),
    ...drawFilters(draw, shared, isGrpc),
    access: shared.everyoneSays || draw.chance(35) ? drawAccess(draw, shared) : undefined,
    rateLimit: draw.maybe(35, () => drawLimits(draw, shared, isGrpc)),
    limits,
    fault: draw.maybe(20, () => drawFault(draw, idleTimeouts)),
    externalDns: shared.externalDns
      ? draw.maybe(20, () =>
          draw.orOff(() =>
            draw.some(50, { ttl: () => draw.wholeSeconds("1s", "7d"), annotations: () => ({ "aws-weight": "1" }) }),
          ),
        )
      : undefined,
    errorPages: isGrpc ? undefined : draw.maybe(15, () => draw.orOff(() => drawErrorPages(draw))),
    hsts: isGrpc ? undefined : draw.maybe(15, () => draw.orOff(() => drawHsts(draw))),
    telemetry: draw.maybe(40, () => drawTelemetry(draw, shared)),
    trafficPolicy: draw.maybe(30, () => withOff(draw, drawTrafficPolicy(draw, shared))),
  });
  return withAnswers(draw, service, isGrpc);
}

/** The same with an answer in place of all backends, of those of some paths, or none. */
function withAnswers(draw: Draw, service: Values, isGrpc: boolean): Values {
  const paths = service.paths as Values[] | undefined;
  if (draw.chance(85)) {
    return service;
  }
  const answer = drawAnswer(draw, isGrpc);
  if (answer.maintenance !== undefined) {
    return { ...service, ...answer };
  }
  if (paths === undefined || draw.chance(30)) {
    return { ...without(service), ...answer, ...(paths && { paths: paths.map(without) }) };
  }
  // The first path keeps the backends, which a canary needs.
  const some = paths.map((path, index) => (index > 0 && draw.chance(50) ? { ...without(path), ...answer } : path));
  return { ...service, paths: some };
}

/** What only backends give a meaning to is left out. */
function without(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !IN_PLACE_OF_BACKENDS.has(key)));
}

function drawBackends(draw: Draw, shared: Shared, prefix: string): Values[] {
  const backends = draw
    .several(1, draw.chance(5) ? 15 : 3, () => draw.label())
    .map((name, index) =>
      shared.outside && draw.chance(30)
        ? drawExternal(draw, `${prefix}-${index}`)
        : given({
            service: draw.chance(15) ? name : `${prefix}-${index}`.slice(-63).replace(/^-+/, ""),
            namespace: draw.maybe(40, () => draw.pick(shared.namespaces)),
            port: draw.maybe(40, () => drawPort(draw, shared)),
            weight: draw.maybe(50, () => draw.pick([0, 1, 2, 50, 100, 999_999, 1_000_000])),
          }),
    );
  return backends.every(({ weight }) => weight === 0)
    ? [{ ...backends[0], weight: 1 }, ...backends.slice(1)]
    : backends;
}

/** By name: an address needs `trafficPolicy.tls`. A host has one protocol, so services do not share it. */
function drawExternal(draw: Draw, name: string): Values {
  const host = `${name.slice(-63).replace(/^-+/, "")}.outside.test`;
  return given({ host, port: draw.port(), weight: draw.maybe(30, () => draw.int(1, 100)) });
}

function drawCanary(draw: Draw, shared: Shared, name: string, isGrpc: boolean): Values {
  const versions = draw.maybe(40, () =>
    given({
      selector: draw.map(
        1,
        2,
        () => draw.pick(["app", "example.com/app", "tier"]),
        () => draw.pick(["web", "A_b.c", "1"]),
      ),
      label: draw.maybe(30, () => draw.pick(["track", "constructor", "example.com/v"])),
      stable: draw.maybe(30, () => "v1"),
      canary: draw.maybe(30, () => "v2"),
      targetPort: draw.maybe(30, () => draw.pick([draw.port(), "http", "a-1", "p".repeat(15)])),
    }),
  );
  const service = versions ?? `c-${name}`.slice(0, 63).replace(/-+$/, "");
  return given({
    ...(versions === undefined
      ? {
          service,
          namespace: draw.maybe(30, () => draw.pick(shared.namespaces)),
          port: draw.maybe(30, () => drawPort(draw, shared)),
        }
      : { versions }),
    percent: draw.int(0, 100),
    // Not the conditions of paths, or the two would be the same match.
    override: draw.maybe(60, () =>
      given({
        headers: { "x-canary": draw.pick<unknown>(["true", { regex: "a|b" }]) },
        query: isGrpc ? undefined : draw.maybe(20, () => ({ canary: "1" })),
      }),
    ),
  });
}

function drawPaths(draw: Draw, shared: Shared, service: string, isGrpc: boolean, canary?: Values): Values[] {
  const byVersion = canary?.versions !== undefined;
  const names = new Set<string>();
  const matches = new Set<string>();
  const paths: Values[] = [];
  const count = draw.chance(4) ? 8 : draw.int(1, 4);
  for (let index = 0; index < count; index++) {
    const type = isGrpc ? "PathPrefix" : draw.pick(["PathPrefix", "PathPrefix", "Exact", "RegularExpression"]);
    const path = isGrpc ? draw.pick(GRPC_PATHS) : pathOf(draw, type, index);
    const match = draw.maybe(30, () => drawMatch(draw, shared, isGrpc));
    const name = draw.maybe(30, () => draw.label());
    const slug = ruleName({ path, name });
    const key = `${type} ${path.replace(/(?<=.)\/+$/, "")} ${JSON.stringify(match ?? {})}`;
    // An override is named after its rule.
    if (matches.has(key) || names.has(slug) || names.has(`${slug}-canary`) || names.has(slug.replace(/-canary$/, ""))) {
      continue;
    }
    matches.add(key);
    names.add(slug);
    const own = draw.chance(30);
    const settings = given({
      type: type === "PathPrefix" ? draw.maybe(20, () => type) : type,
      match,
      name,
      port: draw.maybe(20, () => drawPort(draw, { portNames: shared.portNames && !byVersion })),
      // At least one path keeps the service's backends, which a canary needs.
      backends:
        own && (index > 0 || canary === undefined) ? drawBackends(draw, shared, `${service}-p${index}`) : undefined,
      ...(isGrpc ? {} : drawTimes(draw, shared)),
      cors: !isGrpc && match === undefined ? draw.maybe(10, () => draw.orOff(() => drawCors(draw))) : undefined,
      compression: isGrpc ? undefined : draw.maybe(10, () => draw.orOff(() => drawCompression(draw))),
      ...withOff(draw, drawFilters(draw, shared, isGrpc, type)),
      access: draw.maybe(15, () => drawAccess(draw, shared)),
      rateLimit: draw.maybe(15, () => draw.orOff(() => drawLimits(draw, shared, isGrpc))),
      telemetry: draw.maybe(15, () => drawPathTelemetry(draw, shared)),
      limits: draw.maybe(10, () =>
        draw.orOff(() =>
          draw.atLeastOne(60, { maxRequestSize: () => draw.size(1, 2 ** 30), streamIdleTimeout: () => "0s" }),
        ),
      ),
    });
    paths.push({ path, ...settings });
  }
  return paths;
}

const GRPC_PATHS = ["/", "/lab.Echo", "/lab.Echo/Say", "/a.b_c.D/E", "/Plain", "/Plain/M"];

function pathOf(draw: Draw, type: string, index: number): string {
  if (type === "RegularExpression") {
    return draw.pick([
      `/rx${index}/[a-z]+`,
      `/rx${index}/(a|b)?`,
      `/rx${index}/\\d{1,3}\\.(?:jpg|png)`,
      `(?i)/rx${index}`,
      `/rx${index}/[^/]+/.*`,
    ]);
  }
  return draw.pick([
    `/p${index}`,
    `/p${index}/`,
    `/P-${index}/a_b~c`,
    `/p${index}/%20;v=1`,
    `/p${index}/@:!$&'()*+,=`,
    `/${"l".repeat(60)}${index}`,
  ]);
}

function drawMatch(draw: Draw, shared: Shared, isGrpc: boolean): Values {
  const condition = () => draw.pick<unknown>([draw.text(), { regex: "^v[0-9]+$" }, { regex: "(?i)beta" }]);
  const headers = () => draw.map(1, 3, () => draw.header(shared.underscores), condition);
  return isGrpc
    ? { headers: headers() }
    : draw.atLeastOne(50, {
        headers,
        query: () => draw.map(1, 2, () => draw.pick(["q", "a.b", "constructor", "x-1"]), condition),
        method: () => draw.pick(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]),
      });
}

/** Timeouts and retries that fit together wherever they meet: if anything is retried, request timeouts are long or off. */
export function drawTimes(draw: Draw, { retries }: Shared): Values {
  const request = draw.maybe(30, () =>
    draw.pick(retries ? ["0s", "30s", "1m30s", "1h"] : ["0s", "1ms", "99999h", draw.duration()]),
  );
  const codes = () =>
    draw.several(1, 3, () =>
      draw.pick([400, 404, 418, 429, 500, 502, 503, 504, 511, 599].filter((code) => code !== 599)),
    );
  const retry = retries
    ? draw.maybe(40, () =>
        given({
          attempts: draw.int(1, 10),
          codes: draw.maybe(60, codes),
          backoff: draw.maybe(40, () => draw.pick(["1ms", "25ms", "50ms"])),
        }),
      )
    : draw.maybe(15, () => false);
  const backendRequest =
    retry === undefined || !retries ? draw.maybe(5, () => "0s") : draw.maybe(50, () => draw.pick(["1ms", "1s", "0s"]));
  return given({
    timeouts: request === undefined && backendRequest === undefined ? undefined : given({ request, backendRequest }),
    retry,
  });
}

function drawCors(draw: Draw): Values {
  const credentials = draw.chance(30);
  const origins = ["https://app.example.com", "http://localhost:3000", "https://*.example.com", "http://a-b.c:65535"];
  const any = <T>(list: () => T[]) => (!credentials && draw.chance(20) ? ["*"] : list());
  return given({
    allowOrigins: any(() => draw.several(1, 3, () => draw.pick(origins))),
    allowMethods: draw.maybe(50, () => any(() => draw.several(1, 3, () => draw.pick(["GET", "PUT", "DELETE"])))),
    allowHeaders: draw.maybe(50, () => any(() => draw.several(1, 3, () => draw.header()))),
    exposeHeaders: draw.maybe(30, () => any(() => draw.several(1, 3, () => draw.header()))),
    allowCredentials: credentials ? true : undefined,
    maxAge: draw.maybe(30, () => draw.wholeSeconds("1s", "1d")),
  });
}

export function drawCompression(draw: Draw): Values {
  return draw.some(50, {
    algorithms: () => draw.pick([["brotli"], ["gzip"], ["gzip", "brotli"]]),
    minSize: () => draw.size(30, 2 ** 30),
    contentTypes: () => draw.several(1, 3, () => draw.pick(["text/html", "application/ld+json", "a.b/c-1", "x/y"])),
  });
}

export function drawErrorPages(draw: Draw): Values {
  const page = () =>
    draw.atLeastOne(60, {
      html: () => draw.pick(["<h1>${title}</h1>", "100%\n<p>${requestId} ${status}</p>", "%RESPONSE_CODE%"]),
      json: () => draw.pick(["{}", '{"error":"${title}","code":${status}}', '"%"']),
    });
  return draw.some(60, {
    pages: () => [
      { statuses: draw.several(1, 3, () => draw.pick([404, "4xx", "5xx", 503, 599])), ...page() },
      ...draw.several(0, 2, page),
    ],
    backendErrors: () => draw.chance(50),
  });
}

function hasSeveral(backends: unknown): boolean {
  return Array.isArray(backends) && backends.length > 1;
}

function drawPersistence(draw: Draw): Values {
  return draw.some(50, { absoluteTimeout: () => draw.pick(["1s", "8h", "365d"]) });
}

function withEachHeaderOnce({ set, add, remove, ...rest }: Values): Values {
  const seen = new Set<string>();
  const isNew = (name: string) => !seen.has(name.toLowerCase()) && Boolean(seen.add(name.toLowerCase()));
  const fresh = (map: unknown) =>
    map === undefined ? undefined : Object.fromEntries(Object.entries(map as object).filter(([name]) => isNew(name)));
  const [first, second] = [fresh(set), fresh(add)];
  return given({ ...rest, set: first, add: second, remove: (remove as string[] | undefined)?.filter(isNew) });
}

/** @param type Of the path, or of all paths that may inherit them. */
function drawFilters(draw: Draw, shared: Shared, isGrpc: boolean, type?: string): Values {
  const values = () =>
    draw.map(
      1,
      draw.chance(5) ? 15 : 3,
      () => draw.header(true),
      () => draw.text(),
    );
  const changes = () =>
    withEachHeaderOnce(
      draw.atLeastOne(50, { set: values, add: values, remove: () => draw.several(0, 3, () => draw.header(true)) }),
    );
  return draw.some(15, {
    requestHeaders: changes,
    responseHeaders: changes,
    rewrite: () =>
      isGrpc
        ? undefined
        : draw.atLeastOne(60, {
            hostname: () => draw.hostname(),
            [type === "PathPrefix" ? draw.pick(["path", "prefix"]) : "path"]: () =>
              type === "RegularExpression" && draw.chance(50)
                ? draw.pick(["/\\0", "/a\\0/b\\0"])
                : draw.pick(["/", "/new", "/new/", "/a%20b", "/%2e", "/a//b", "/ü", "/{x}"]),
          }),
    mirror: () =>
      given({
        service: `m-${draw.label(40)}`,
        namespace: draw.maybe(40, () => draw.pick(shared.namespaces)),
        port: draw.maybe(40, () => drawPort(draw, shared)),
        percent: draw.maybe(60, () => draw.int(1, 100)),
      }),
  });
}

const LOCAL = ["local", "local-by-address", "local-by-header"];
export const GLOBAL = ["global", "global-by-address", "global-by-header"];

/** A limit of a type. */
export function drawLimit(draw: Draw, shared: Pick<Shared, "underscores">, type: string, isGrpc = false): Values {
  const isLocal = LOCAL.includes(type);
  return given({
    type,
    requests: draw.int(1, 1_000_000),
    per: draw.pick(["second", "minute", "hour", "day", ...(isLocal ? [] : ["week", "month", "year"])]),
    burst: isLocal ? draw.maybe(30, () => draw.int(1, 1_000_000)) : undefined,
    status: isGrpc ? undefined : draw.maybe(20, () => draw.pick([429, 503])),
    enforce: draw.maybe(20, () => draw.chance(30)),
    maxClients: type.startsWith("local-") ? draw.maybe(40, () => draw.int(1, 1_000_000)) : undefined,
    ipv4PrefixLength: type.endsWith("address") ? draw.maybe(30, () => draw.int(1, 32)) : undefined,
    ipv6PrefixLength: type.endsWith("address") ? draw.maybe(30, () => draw.int(1, 128)) : undefined,
    header: type.endsWith("header") ? draw.header(shared.underscores) : undefined,
  });
}

function drawLimits(draw: Draw, shared: Shared, isGrpc: boolean): unknown {
  const seen = new Set<string>();
  const limits = draw
    .several(1, 4, () =>
      shared.sharedLimits.length > 0 && draw.chance(40)
        ? { type: "shared", name: draw.pick(shared.sharedLimits) }
        : drawLimit(draw, shared, draw.pick([...LOCAL, ...GLOBAL]), isGrpc),
    )
    .filter((limit) => {
      const typed = limit as unknown as ParsedRateLimit;
      const key = typed.type === "shared" ? typed.name : isGlobal(typed) ? limitName(typed) : "local";
      return !seen.has(key) && seen.add(key);
    });
  return limits.length === 1 && draw.chance(70) ? limits[0] : limits;
}

/** Delays that end before the idle timeout does, if any is so short. */
function drawFault(draw: Draw, idleTimeouts: readonly string[]): Values {
  const limit = Math.min(...idleTimeouts.map((timeout) => milliseconds(timeout) || Infinity));
  const durations = ["1ms", "500ms", "1500ms", "1m30s", "1h"].filter((duration) => milliseconds(duration) < limit);
  const percent = () => draw.maybe(60, () => draw.int(1, 100));
  const delay = () => given({ duration: draw.pick(durations), percent: percent() });
  return draw.atLeastOne(60, {
    ...(durations.length === 0 ? {} : { delay }),
    abort: () => given({ status: draw.int(200, 599), percent: percent() }),
  });
}

/** The same with some values turned off. */
function withOff(draw: Draw, values: Values): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, draw.orOff(() => value)]));
}

export function drawHsts(draw: Draw): Values {
  return draw.pick<Values>([
    { maxAge: draw.wholeSeconds("0s", "730d") },
    { maxAge: "5m", includeSubDomains: true },
    { maxAge: "365d", includeSubDomains: true, preload: true },
  ]);
}

function drawTelemetry(draw: Draw, { telemetry }: Shared): Values | undefined {
  const own: Record<string, () => unknown> = {
    accessLogs: () =>
      draw.atLeastOne(50, {
        samplePercent: () => draw.int(0, 100),
        errorsFrom: () => draw.int(400, 599),
        slowerThan: () => draw.duration(),
      }),
    traces: () => ({ samplePercent: draw.int(0, 100) }),
    alerts: () =>
      draw.atLeastOne(60, { availabilityPercent: () => draw.pick([90, 95.5, 99.999]), latency: () => draw.duration() }),
  };
  return draw.some(60, Object.fromEntries(Object.entries(own).filter(([key]) => telemetry[key] !== undefined)));
}

function drawPathTelemetry(draw: Draw, shared: Shared): Values | false {
  const { alerts: _alerts, ...own } = drawTelemetry(draw, shared) ?? {};
  return Object.keys(own).length === 0 ? false : own;
}

export function drawTrafficPolicy(
  draw: Draw,
  { retryBudgets: budget, outside }: Pick<Shared, "retryBudgets" | "outside">,
): Values {
  const number = () => draw.int(1, 1_000_000);
  const names = [
    "maxConnections",
    "maxPendingRequests",
    "maxRequests",
    "maxRequestsPerConnection",
    ...(budget ? [] : ["maxRetries"]),
  ];
  return draw.some(40, {
    connections: () => ({
      ...Object.fromEntries(names.filter(() => draw.chance(50)).map((name) => [name, number()])),
      ...draw.some(40, { connectTimeout: () => draw.duration() }),
    }),
    outlierDetection: () =>
      draw.some(50, {
        consecutive5xxErrors: () => draw.int(1, 1000),
        interval: () => draw.duration(),
        baseEjectionTime: () => draw.duration(),
        maxEjectionPercent: () => draw.int(1, 100),
      }),
    tls: () => (outside ? { mode: "DISABLE" } : drawBackendTls(draw)),
    loadBalancing: () =>
      draw.pick<Values>([
        {},
        { type: "RANDOM" },
        { type: "ROUND_ROBIN", warmup: draw.duration() },
        { warmup: draw.duration() },
        { type: "CONSISTENT_HASH", key: { type: "header", name: draw.header() } },
        {
          type: "CONSISTENT_HASH",
          key: given({ type: "cookie", name: "session", ttl: draw.maybe(50, () => draw.duration()) }),
        },
        { type: "CONSISTENT_HASH", key: { type: "source-address" } },
      ]),
    ...(budget
      ? { retryBudget: () => draw.some(60, { percent: () => draw.int(1, 100), minRetryConcurrency: number }) }
      : {}),
  });
}

function drawBackendTls(draw: Draw): Values {
  const sni = draw.maybe(50, () => draw.pick(["web", "web.apps.svc", draw.hostname()]));
  const subjectAltNames = () =>
    draw.several(1, 3, () => draw.pick([`${draw.label()}.internal`, "10.0.0.1", "spiffe://cluster.local/ns/a/sa/b"]));
  const ca = () => ({ kind: draw.pick(["Secret", "ConfigMap"]), name: draw.label() });
  const isInsecure = draw.chance(20);
  const checked = isInsecure
    ? { insecure: true }
    : { insecure: draw.maybe(10, () => false), subjectAltNames: draw.maybe(40, subjectAltNames) };
  return given(
    draw.pick<() => Values>([
      () => ({ mode: draw.pick(["DISABLE", "ISTIO_MUTUAL"]) }),
      () => ({ mode: "SIMPLE", ca: isInsecure ? undefined : draw.maybe(60, ca), sni, ...checked }),
      () => ({ mode: "MUTUAL", credentialName: draw.label(), sni, ...checked }),
    ])(),
  );
}
