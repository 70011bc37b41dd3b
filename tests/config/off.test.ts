import assert from "node:assert/strict";
import { retryPatches } from "../../components/routing/retry";
import { mistakes, plain, stack } from "../support/stacks";

const service = (more: Record<string, unknown>) => ({ services: [{ name: "web", namespace: "apps", ...more }] });

describe("config: false turns off", () => {
  it("the gateway's HSTS for a service", () => {
    const gateway = { hsts: { maxAge: "365d" } };
    assert.ok(stack({ gateway }).services[0]?.hsts !== undefined);
    assert.equal(stack({ gateway, ...service({ hsts: false }) }).services[0]?.hsts, undefined);
  });

  it("the hardening", () => {
    assert.equal(stack({ gateway: { hardening: false } }).gateway.hardening, false);
  });

  it("parts of the defaults' traffic policy for a service", () => {
    const trafficPolicy = {
      connections: { maxConnections: 1 },
      outlierDetection: {},
      loadBalancing: { type: "RANDOM" },
      retryBudget: {},
      tls: { mode: "DISABLE" },
    };
    const off = { connections: false, outlierDetection: false, loadBalancing: false, tls: false };
    const [web] = stack({ defaults: { trafficPolicy }, ...service({ trafficPolicy: off }) }).services;
    assert.deepEqual(Object.keys(web?.trafficPolicy ?? {}), ["retryBudget"]);
  });

  it("what a path would inherit from its service", () => {
    const settings = {
      cors: { allowOrigins: ["https://a.test"] },
      requestHeaders: { set: { "x-a": "1" } },
      responseHeaders: { remove: ["x-b"] },
      rewrite: { path: "/c" },
      mirror: { service: "copy" },
    };
    const off = Object.fromEntries(Object.keys(settings).map((key) => [key, false]));
    const { services, fieldUses } = stack(service({ ...settings, paths: [{ path: "/off", ...off }, "/"] }));
    const rules = plain(services[0]?.rules) as Record<string, unknown>[];
    const set = rules.map((rule) => Object.keys(settings).filter((key) => rule[key] !== undefined));
    assert.deepEqual(set, [[], Object.keys(settings)]);
    assert.deepEqual(
      fieldUses.map(({ path }) => path),
      ["services[0].cors"],
    );
  });

  it("retries, Istio's own too, at every level", () => {
    const retry = { attempts: 2 };
    for (const values of [
      { defaults: { retry: false } },
      { defaults: { retry }, ...service({ retry: false }) },
      service({ retry, paths: [{ path: "/", retry: false }] }),
    ]) {
      const { services, fieldUses } = stack(values);
      assert.deepEqual(
        services[0]?.rules.map((rule) => rule.retry),
        [false],
      );
      assert.deepEqual(fieldUses, []);
      assert.match(JSON.stringify(retryPatches(services)), /"key":"x-envoy-max-retries","value":"0"/);
    }
  });

  it("nothing that is not inherited", () => {
    for (const [values, path] of [
      [service({ cors: false }), "services[0].cors"],
      [{ gateway: { hsts: false } }, "gateway.hsts"],
      [{ defaults: { trafficPolicy: { tls: false } } }, "defaults.trafficPolicy.tls"],
    ] as const) {
      assert.deepEqual(mistakes(values), [`istio-gateway:${path}: false, expected a map of keys`]);
    }
  });

  it("and reports what is wrong inside a map in its place", () => {
    const [line] = mistakes(
      service({ trafficPolicy: { loadBalancing: { type: "CONSISTENT_HASH", key: { type: "x" } } } }),
    );
    assert.match(line ?? "", /trafficPolicy\.loadBalancing\.key\.type: "x", expected one of header, cookie/);
    assert.match(mistakes(service({ hsts: { maxage: "1d" } })).join(), /hsts\.maxage: "1d", expected the key maxAge/);
  });
});
