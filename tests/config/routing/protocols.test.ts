import assert from "node:assert/strict";
import { targetName } from "../../../config";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

const service = (more: Values) => ({ services: [{ name: "web", namespace: "apps", ...more }] });

/** Asserts that a service has exactly one mistake, at a path below it, with a message. */
function refuses(more: Values, path: string, reason: RegExp): void {
  refusesConfig(service(more), `services[0].${path}`, reason);
}

describe("config/grpc", () => {
  const grpc = (more: Values) => ({ protocol: "grpc", ...more });

  it("tries methods first, then services, then the rest, and sets no timeout", () => {
    const paths = ["/", "/a.B", "/a.B/C", { path: "/a.B", name: "beta", match: { headers: { "user-type": "beta" } } }];
    const rules = stack(service(grpc({ paths }))).services[0]?.rules ?? [];
    assert.deepEqual(
      rules.map(({ name, type, timeouts }) => [name, type, timeouts.request]),
      [
        ["web--a-b-c", "Exact", "0s"],
        ["web--beta", "PathPrefix", "0s"],
        ["web--a-b", "PathPrefix", "0s"],
        ["web--root", "PathPrefix", "0s"],
      ],
    );
  });

  it("refuses paths that are not gRPC's", () => {
    for (const path of ["/a.B/", "/a.B/C/d", "/a-b.C", "/a..B", "/1a.B", "/a.B/1c"]) {
      refuses(grpc({ paths: [path] }), "paths[0].path", /\/package\.Service\/Method/);
    }
    refuses(grpc({ paths: [{ path: "/a.B/C", type: "Exact" }] }), "paths[0].type", /not allowed for gRPC/);
  });

  it("refuses keys that a GRPCRoute has no field for", () => {
    refuses(grpc({ timeouts: { request: "5s" } }), "timeouts", /client's deadline/);
    refuses(grpc({ paths: [{ path: "/", timeouts: { request: "5s" } }] }), "paths[0].timeouts", /no timeouts/);
    refuses(grpc({ rewrite: { hostname: "a.b" } }), "rewrite", /cannot rewrite/);
    refuses(grpc({ retry: { attempts: 2 } }), "retry", /has no retry/);
    refuses(grpc({ cors: { allowOrigins: ["https://a.b"] } }), "cors", /no CORS filter/);
    refuses(grpc({ paths: [{ path: "/", match: { method: "POST" } }] }), "paths[0].match.method", /path and headers/);
    const canary = { service: "c", percent: 1, override: { query: { v: "2" } } };
    refuses(grpc({ canary }), "canary.override.query", /path and headers/);
    refuses({ protocol: "udp" }, "protocol", /forward no UDP/);
  });
});

describe("config/versions", () => {
  const canary = (versions: Values, more: Values = {}) => ({
    canary: { percent: 10, versions: { selector: { app: "web" }, ...versions }, ...more },
  });

  it("creates a Service for each version, with every port that rules use", () => {
    const paths = ["/", { path: "/admin", port: 9000 }];
    const [resolved] = stack(service({ port: 8080, paths, ...canary({ targetPort: 3000 }) })).services;
    const ports = [
      { port: 9000, targetPort: 9000 },
      { port: 8080, targetPort: 3000 },
    ];
    assert.deepEqual(resolved?.versions, [
      { version: "stable", service: "web-stable", selector: { app: "web", version: "stable" }, ports },
      { version: "canary", service: "web-canary", selector: { app: "web", version: "canary" }, ports },
    ]);
    assert.deepEqual(
      resolved.rules.map(({ backends }) => backends.map((backend) => [targetName(backend), backend.weight])),
      [9000, 8080].map((port) => [
        [`apps/web-stable:${port}`, 90],
        [`apps/web-canary:${port}`, 10],
      ]),
    );
  });

  it("refuses two equal versions, and selectors that are too wide or contradictory", () => {
    refuses(canary({ stable: "a", canary: "a" }), "canary.versions.canary", /one set of pods/);
    refuses(canary({ selector: {} }), "canary.versions.selector", /at least one label/);
    refuses(canary({ selector: { version: "stable" } }), "canary.versions.selector", /labels without version/);
    refuses(canary({ selector: { app: "a b" } }), "canary.versions.selector.app", /label's value/);
    refuses(canary({ selector: { "a b": "c" } }), "canary.versions.selector.a b", /label's key/);
    refuses(canary({ canary: "-" }), "canary.versions.canary", /label's value/);
  });

  it("refuses versions together with named Services", () => {
    refuses(canary({}, { service: "web-next" }), "canary", /either service or versions/);
    refuses({ canary: { percent: 10 } }, "canary", /either service or versions/);
    refuses(canary({}, { port: 81 }), "canary.port", /not allowed together with canary\.versions/);
    refuses(canary({}, { namespace: "other" }), "canary.namespace", /not allowed together with canary\.versions/);
    refuses({ backends: [{ service: "a" }], ...canary({}) }, "backends", /makes the stable Service too/);
  });

  it("refuses names that a Service cannot have", () => {
    refuses({ name: "w".repeat(57), ...canary({}) }, "name", /at most 56 characters/);
    refuses({ name: "1web", ...canary({}) }, "name", /the first a letter/);
    assert.deepEqual(mistakes(service({ name: "w".repeat(56), ...canary({}) })), []);
  });
});

describe("config/grpc, shared hosts", () => {
  it("takes http and gRPC on one host, unless they claim the same paths", () => {
    const host = "web.example.test";
    const both = (paths: string[]) => ({
      services: [
        { name: "page", namespace: "apps", host, hsts: { maxAge: "1h" } },
        { name: "calls", namespace: "apps", host, protocol: "grpc", paths },
      ],
    });
    assert.deepEqual(mistakes(both(["/a.B"])), []);
    assert.match(mistakes(both(["/"])).join("\n"), /^istio-gateway:services\[1\]\.paths\[0\]\.path: .*does not claim/);
  });
});

describe("config/grpc, defaults", () => {
  it("does not inherit retries and timeouts, which a GRPCRoute has no fields for, and needs no CRDs for them", () => {
    const retry = { attempts: 10, backoff: "1s" };
    const config = stack({ ...service({ protocol: "grpc" }), defaults: { retry, timeouts: { request: "1s" } } });
    assert.deepEqual(config.fieldUses, []);
  });
});
