import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate, type PackConfig } from "../../policy/evaluate";
import { POLICIES } from "../../policy/policies";
import type { Resource } from "../../policy/policy";

type Props = Record<string, unknown>;

const OWN = "istio-gateway:index:UnifiedGateway$";

/** A resource of a stack; `prod` in its name makes it one of production. */
const resource = (
  type: string,
  props: Props,
  more: { stack?: string; protect?: boolean; own?: boolean } = {},
): Resource => ({
  type,
  name: "it",
  urn: `urn:pulumi:${more.stack ?? "dev"}::istio-gateway::${more.own === false ? "" : OWN}${type}::it`,
  props: { metadata: { namespace: "apps", name: "it" }, ...props },
  protect: more.protect ?? false,
});

const gatewayApi = (kind: string) => `kubernetes:gateway.networking.k8s.io/v1:${kind}`;

/** What is found, as `LEVEL POLICY: MESSAGE`. */
const findings = (resources: Resource | Resource[], config?: PackConfig) =>
  evaluate([resources].flat(), config).map(({ policy, level, message }) => `${level} ${policy}: ${message}`);

/** The same of one policy alone. */
const of = (policy: string, resources: Resource | Resource[], config?: PackConfig) =>
  findings(resources, config)
    .filter((line) => line.includes(` ${policy}: `))
    .map((line) => line.replace(` ${policy}`, ""));

const forward = { name: "it--root", backendRefs: [{ name: "it" }], timeouts: { request: "30s" } };
const redirect = { filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https" } }] };
const route = (parentRef: Props, rules: Props[], kind = "HTTPRoute", stack?: string) =>
  resource(gatewayApi(kind), { spec: { parentRefs: [{ name: "gateway", ...parentRef }], rules } }, { stack });

describe("policy/policies", () => {
  it("have names and settings that Pulumi takes, and a default for each", () => {
    assert.equal(new Set(POLICIES.map(({ name }) => name)).size, POLICIES.length);
    for (const { name, settings = {} } of POLICIES) {
      assert.match(name, /^[a-z-]+$/);
      assert.ok(!("enforcementLevel" in settings) && name !== "all");
      assert.ok(Object.values(settings).every((setting) => setting.default !== undefined));
    }
  });

  it("are those that docs/review.md lists", () => {
    const text = readFileSync(join(__dirname, "..", "..", "docs", "review.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([a-z-]+)` +\| (mandatory|advisory) /gm)].map(([, name, level]) => [
      name,
      level,
    ]);
    assert.deepEqual(
      rows,
      POLICIES.map(({ name, level }) => [name, level]),
    );
  });

  it("say nothing of other resources", () => {
    assert.deepEqual(findings(resource("kubernetes:core/v1:Service", {}, { stack: "prod" })), []);
  });

  describe("no-plaintext-route", () => {
    const served = ["mandatory: apps/it answers plain HTTP: bind it to sectionName https, or let it redirect."];
    it("refuses a route on the http listener, by its name, its port, or for want of any", () => {
      for (const parentRef of [{ sectionName: "http" }, { port: 80 }, {}, { sectionName: "http", port: 80 }]) {
        assert.deepEqual(of("no-plaintext-route", route(parentRef, [forward])), served);
      }
      assert.deepEqual(of("no-plaintext-route", route({}, [forward], "GRPCRoute")), served);
    });
    it("refuses a redirect that also forwards, leads elsewhere, or has a rule beside it", () => {
      const http = { filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "http" } }] };
      for (const rules of [[{ ...redirect, ...forward }], [http], [redirect, forward], []]) {
        assert.deepEqual(of("no-plaintext-route", route({ sectionName: "http" }, rules)), served);
      }
    });
    it("lets the redirect be, routes on https, and routes of a Service", () => {
      assert.deepEqual(of("no-plaintext-route", route({ sectionName: "http" }, [redirect])), []);
      assert.deepEqual(of("no-plaintext-route", route({ sectionName: "https" }, [forward])), []);
      assert.deepEqual(of("no-plaintext-route", route({ port: 443 }, [forward])), []);
      assert.deepEqual(of("no-plaintext-route", route({ kind: "Service" }, [forward])), []);
    });
  });

  describe("the Gateway", () => {
    const gateway = (from: string, more: { stack?: string; protect?: boolean }) =>
      resource(
        gatewayApi("Gateway"),
        { spec: { listeners: [{ name: "http" }, { name: "https", allowedRoutes: { namespaces: { from } } }] } },
        more,
      );
    it("no-open-listener-in-production: refuses All there, and there alone", () => {
      const policy = "no-open-listener-in-production";
      assert.deepEqual(of(policy, gateway("All", { stack: "prod" })), [
        "mandatory: listener https of apps/it takes any namespace's routes: use Selector.",
      ]);
      assert.deepEqual(of(policy, gateway("Selector", { stack: "prod" })), []);
      assert.deepEqual(of(policy, gateway("All", { stack: "dev" })), []);
    });
    it("gateway-protected-in-production: refuses one that can be deleted, there alone", () => {
      const policy = "gateway-protected-in-production";
      assert.deepEqual(of(policy, gateway("Same", { stack: "prod" })), [
        "mandatory: apps/it can be deleted: set protect: true.",
      ]);
      assert.deepEqual(of(policy, gateway("Same", { stack: "prod", protect: true })), []);
      assert.deepEqual(of(policy, gateway("Same", { stack: "dev" })), []);
    });
    it("is of production by a word in the stack's name, or as the pack's config says", () => {
      const isProduction = (stack: string, config?: PackConfig) =>
        of("gateway-protected-in-production", gateway("Same", { stack }), config).length === 1;
      assert.deepEqual(
        ["prod", "prod-eu", "shop.production", "eu_prod"].filter((stack) => !isProduction(stack)),
        [],
      );
      assert.deepEqual(
        ["dev", "product", "reproduce", "preprod"].filter((stack) => isProduction(stack)),
        [],
      );
      const config = { "gateway-protected-in-production": { production: "^live$" } };
      assert.ok(isProduction("live", config) && !isProduction("prod", config));
    });
  });

  describe("strict-mutual-tls", () => {
    const policy = "strict-mutual-tls";
    const peers = (spec: Props) => resource("kubernetes:security.istio.io/v1:PeerAuthentication", { spec });
    it("refuses plain text for a workload, and on ports that are not named", () => {
      assert.deepEqual(of(policy, peers({ mtls: { mode: "PERMISSIVE" } })), [
        "mandatory: apps/it is PERMISSIVE: name the ports that need plain text.",
      ]);
      assert.deepEqual(
        of(policy, peers({ mtls: { mode: "STRICT" }, portLevelMtls: { "9090": { mode: "DISABLE" } } })),
        ["mandatory: apps/it is DISABLE on port 9090, which is none of plainTextPorts."],
      );
    });
    it("lets STRICT be, and ports that are named", () => {
      assert.deepEqual(of(policy, peers({ mtls: { mode: "STRICT" } })), []);
      const open = peers({ mtls: { mode: "STRICT" }, portLevelMtls: { "9090": { mode: "PERMISSIVE" } } });
      assert.deepEqual(of(policy, open, { [policy]: { plainTextPorts: [9090] } }), []);
      assert.equal(of(policy, open, { [policy]: { plainTextPorts: [9091] } }).length, 1);
    });
  });

  it("rsa-key-size: refuses RSA below 2048 bits, and asks nothing of ECDSA", () => {
    const key = (props: Props) => of("rsa-key-size", resource("tls:index/privateKey:PrivateKey", props));
    assert.deepEqual(key({ algorithm: "RSA", rsaBits: 1024 }), [
      "mandatory: it has 1024 bits, at least 2048 are needed.",
    ]);
    assert.deepEqual(key({ algorithm: "RSA", rsaBits: 2048 }), []);
    assert.deepEqual(key({ algorithm: "RSA" }), []);
    assert.deepEqual(key({ algorithm: "ECDSA", rsaBits: 1024 }), []);
  });

  it("certificate-lifetime: refuses more days than the pack's config says, 398 by default", () => {
    const policy = "certificate-lifetime";
    for (const kind of ["selfSignedCert:SelfSignedCert", "locallySignedCert:LocallySignedCert"]) {
      const days = (count: number) => resource(`tls:index/${kind}`, { validityPeriodHours: count * 24 });
      assert.deepEqual(of(policy, days(398)), []);
      assert.deepEqual(of(policy, days(399)), ["mandatory: it is valid for 399 days, at most 398 are allowed."]);
      assert.equal(of(policy, days(91), { [policy]: { maxDays: 90 } }).length, 1);
      assert.equal(of(policy, days(90), { [policy]: { maxDays: 90 } }).length, 0);
    }
  });

  it("no-empty-allow-rule: refuses an allow rule without a condition", () => {
    const rules = (spec: Props) =>
      of("no-empty-allow-rule", resource("kubernetes:security.istio.io/v1:AuthorizationPolicy", { spec }));
    const refused = ["mandatory: apps/it allows everyone: say who, where or when."];
    assert.deepEqual(rules({ action: "ALLOW", rules: [{}] }), refused);
    assert.deepEqual(rules({ rules: [{ to: [{ operation: {} }] }, { from: [] }] }), refused);
    assert.deepEqual(rules({ action: "DENY", rules: [{}] }), []);
    assert.deepEqual(rules({ action: "ALLOW", rules: [{ from: [{ source: {} }] }] }), []);
    // Allows nobody.
    assert.deepEqual(rules({ action: "ALLOW" }), []);
  });

  it("service-timeout: refuses a rule that waits for ever, save that of a named route", () => {
    const policy = "service-timeout";
    const timed = (timeouts: unknown) => route({ sectionName: "https" }, [{ ...forward, timeouts }]);
    const refused = ["mandatory: apps/it: it--root has no timeout, so a request can wait for ever."];
    for (const timeouts of [undefined, {}, { request: "0s" }, { request: "0h0m" }]) {
      assert.deepEqual(of(policy, timed(timeouts)), refused);
    }
    assert.deepEqual(of(policy, timed({ request: "10s" })), []);
    assert.deepEqual(of(policy, timed({}), { [policy]: { exceptions: ["apps/it"] } }), []);
    assert.deepEqual(of(policy, timed({}), { [policy]: { exceptions: ["other/it"] } }), refused);
    assert.deepEqual(of(policy, route({ sectionName: "http" }, [redirect])), []);
    assert.deepEqual(of(policy, route({ sectionName: "https" }, [{ backendRefs: [{}] }], "GRPCRoute")), []);
  });

  const filter = (value: Props, more: { own?: boolean; labels?: Props; name?: string } = {}) =>
    resource(
      "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter",
      {
        spec: {
          workloadSelector: { labels: more.labels ?? { "gateway.networking.k8s.io/gateway-name": "gateway" } },
          configPatches: [
            {
              applyTo: "HTTP_ROUTE",
              match: { routeConfiguration: { vhost: { route: { name: more.name ?? "it--root" } } } },
              patch: { operation: "MERGE", value },
            },
          ],
        },
      },
      { own: more.own },
    );

  describe("service-limit and service-limit-in-production", () => {
    const local = { typed_per_filter_config: { "envoy.filters.http.local_ratelimit": {} } };
    const global = { route: { rate_limits: [{}] } };
    const limits = (stack: string, ...filters: Resource[]) =>
      findings([route({ sectionName: "https" }, [forward], "HTTPRoute", stack), ...filters]);
    const message = "apps/it has no rate limit on it--root: set rateLimit.";
    it("refuse a service without a limit in production, and warn of it elsewhere", () => {
      assert.deepEqual(limits("prod"), [`mandatory service-limit-in-production: ${message}`]);
      assert.deepEqual(limits("dev"), [`advisory service-limit: ${message}`]);
    });
    it("take a local and a global limit on the rule itself", () => {
      for (const value of [local, global]) {
        assert.deepEqual(limits("prod", filter(value)), []);
        assert.equal(limits("prod", filter(value, { name: "it--other" })).length, 1);
      }
      assert.equal(limits("prod", filter({ route: { idle_timeout: "1s" } })).length, 1);
    });
    it("look at gRPC too, and not at a named route", () => {
      const grpc = route({ sectionName: "https" }, [forward], "GRPCRoute", "prod");
      const policy = "service-limit-in-production";
      assert.equal(of(policy, grpc).length, 1);
      assert.deepEqual(of(policy, grpc, { [policy]: { exceptions: ["apps/it"] } }), []);
    });
  });

  it("no-foreign-envoy-filter: refuses one from elsewhere, and one that patches others' proxies", () => {
    const policy = "no-foreign-envoy-filter";
    assert.deepEqual(of(policy, filter({})), []);
    assert.deepEqual(of(policy, filter({}, { own: false })), ["mandatory: apps/it is none of the gateway's own."]);
    const wide = "mandatory: apps/it patches other proxies than the gateway's: select them by its name.";
    assert.deepEqual(of(policy, filter({}, { labels: {} })), [wide]);
    assert.deepEqual(of(policy, filter({}, { labels: { app: "x" }, own: false })).slice(1), [wide]);
  });

  it("take a level from the pack's config, of their own or for all", () => {
    const bare = route({ sectionName: "https" }, [forward], "HTTPRoute", "prod");
    const level = (config: PackConfig) => findings(bare, config).map((line) => line.split(" ")[0]);
    const policy = "service-limit-in-production";
    assert.deepEqual(level({ [policy]: "advisory" }), ["advisory"]);
    assert.deepEqual(level({ [policy]: { enforcementLevel: "disabled" } }), []);
    assert.deepEqual(level({ all: "advisory" }), ["advisory"]);
    assert.deepEqual(level({ all: "disabled", [policy]: { exceptions: [] } }), ["mandatory"]);
  });
});
