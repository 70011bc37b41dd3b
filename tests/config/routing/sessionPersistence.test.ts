import assert from "node:assert/strict";
import { refuses as refusesConfig, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

const service = (more: Values) => ({ services: [{ name: "web", namespace: "apps", ...more }] });

function refuses(more: Values, path: string, reason: RegExp): void {
  refusesConfig(service(more), `services[0].${path}`, reason);
}

describe("config/sessionPersistence", () => {
  const two = [{ service: "a" }, { service: "b" }];

  it("refuses it where shares choose a backend for each request", () => {
    refuses({ backends: two, sessionPersistence: {} }, "sessionPersistence", /one backend, and no canary with a share/);
    const canary = { service: "next", percent: 5 };
    refuses({ canary, sessionPersistence: {} }, "sessionPersistence", /one backend, and no canary with a share/);
    const path = { path: "/a", backends: two, sessionPersistence: {} };
    refuses({ paths: ["/", path] }, "paths[1].sessionPersistence", /one backend/);
    refuses(
      { sessionPersistence: {}, paths: ["/", { path: "/a", backends: two }] },
      "sessionPersistence",
      /one backend/,
    );
  });

  it("takes it with backends that get nothing, overrides, and paths without it", () => {
    for (const more of [
      { backends: [{ service: "a" }, { service: "b", weight: 0 }], sessionPersistence: {} },
      { canary: { service: "next", percent: 0, override: { headers: { "x-next": "1" } } }, sessionPersistence: {} },
      { sessionPersistence: {}, paths: ["/", { path: "/a", backends: two, sessionPersistence: false }] },
      {
        sessionPersistence: {},
        backends: two,
        paths: [
          { path: "/", redirect: { host: "a.test" } },
          { path: "/a", backends: [{ service: "c" }] },
        ],
      },
    ]) {
      assert.ok(stack(service(more)));
    }
  });

  it("is for http alone, and for backends", () => {
    refuses({ protocol: "grpc", sessionPersistence: {} }, "sessionPersistence", /gRPC, whose clients have no cookies/);
    refuses({ protocol: "tcp", listenPort: 5432, sessionPersistence: {} }, "sessionPersistence", /not allowed/);
    refuses({ deny: true, sessionPersistence: {} }, "sessionPersistence", /not allowed with deny/);
    refuses({ sessionPersistence: true }, "sessionPersistence", /a map of keys/);
    refuses({ sessionPersistence: { absoluteTimeout: "0s" } }, "sessionPersistence.absoluteTimeout", /from 1s to 365d/);
    refuses({ sessionPersistence: { sessionName: "a" } }, "sessionPersistence.sessionName", /absoluteTimeout/);
  });
});
