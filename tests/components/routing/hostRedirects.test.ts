import assert from "node:assert/strict";
import { redirectPages } from "../../../components/entry/httpsRedirect";
import { hostRedirectSpecs } from "../../../components/routing/hostRedirects";
import { routeSpec } from "../../../components/routing/routes";
import { UnifiedGateway } from "../../../components/unifiedGateway";
import type { Service } from "../../../config";
import { register } from "../../support/deployment";
import { schemaErrors } from "../../support/schemas";
import { stack } from "../../support/stacks";

const GATEWAY = { name: "g", namespace: "n" };
const HOSTS = [
  "web.example.test",
  { host: "example.test", redirect: 308 },
  { host: "old.example.test", redirect: 301 },
  { host: "older.example.test", redirect: 301 },
  "also.example.test",
];
const service = (more: object = {}) =>
  stack({ services: [{ name: "web", namespace: "apps", hosts: HOSTS, ...more }] }).services[0] as Service<number>;

const parent = (sectionName: string) => ({ ...GATEWAY, sectionName });

describe("components/hostRedirects", () => {
  it("lead to the first host, one route for each status", () => {
    const specs = hostRedirectSpecs({ service: service(), gateway: GATEWAY });
    const redirect = (statusCode: number) => ({
      type: "RequestRedirect",
      requestRedirect: { scheme: "https", hostname: "web.example.test", port: 443, statusCode },
    });
    assert.deepEqual(specs, {
      "redirect-308": {
        parentRefs: [parent("host-example-test")],
        hostnames: ["example.test"],
        rules: [{ name: "web--redirect-308", filters: [redirect(308)] }],
      },
      "redirect-301": {
        parentRefs: [parent("https")],
        hostnames: ["old.example.test", "older.example.test"],
        rules: [{ name: "web--redirect-301", filters: [redirect(301)] }],
      },
    });
  });

  it("send HSTS, and leave the other hosts to the service's route", () => {
    const hsts = { maxAge: "365d" };
    const [spec] = Object.values(hostRedirectSpecs({ service: service({ hsts }), gateway: GATEWAY }));
    assert.deepEqual(spec?.rules[0]?.filters?.[1], {
      type: "ResponseHeaderModifier",
      responseHeaderModifier: {
        set: [{ name: "strict-transport-security", value: "max-age=31536000" }],
        add: undefined,
        remove: undefined,
      },
    });
    const { hostnames, parentRefs } = routeSpec({ service: service(), gateway: GATEWAY });
    assert.deepEqual(hostnames, ["web.example.test", "also.example.test"]);
    assert.deepEqual(parentRefs, [parent("https")]);
    assert.deepEqual(hostRedirectSpecs({ service: service({ hosts: ["web.example.test"] }), gateway: GATEWAY }), {});
  });

  it("are objects that the CRDs accept, beside routes for every host", async () => {
    const services = [
      { name: "web", namespace: "apps", hosts: HOSTS },
      { name: "any", namespace: "apps", host: "*" },
      { name: "rest", namespace: "apps", host: "*.example.test" },
    ];
    const resources = await register(() => new UnifiedGateway("gateway", stack({ services })));
    assert.deepEqual(schemaErrors("standard", resources), []);
    const routes = resources.filter(({ type }) => type.endsWith(":HTTPRoute")).map(({ inputs }) => inputs);
    const named = routes.map(({ metadata, spec }) => [
      (metadata as { name: string }).name.split(".")[0],
      (spec as { hostnames?: string[] }).hostnames?.length,
    ]);
    assert.deepEqual(Object.fromEntries(named), {
      "unified-gateway--https-redirect": undefined,
      web: 2,
      "web--redirect-308": 1,
      "web--redirect-301": 2,
      any: undefined,
      rest: 1,
    });
  });
});

describe("components/httpsRedirect, for many hosts", () => {
  it("has a route for each 16, or one for every host", () => {
    const hosts = Array.from({ length: 33 }, (_, index) => `h${index}.test`);
    assert.deepEqual(
      redirectPages(hosts).map((page) => page?.length),
      [16, 16, 1],
    );
    assert.deepEqual(redirectPages(["a.test", undefined]), [undefined]);
  });
});
