import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FilterConfig } from "../../components/shared/envoyTypes";
import { filterByRoute } from "../../components/shared/filterByRoute";
import { evaluate, type PackConfig } from "../../policy/evaluate";
import { POLICIES } from "../../policy/policies";
import type { Resource } from "../../policy/policy";
import { plain } from "../support/stacks";

type Props = Record<string, unknown>;

const OWN = "istio-gateway:index:UnifiedGateway$";

/** A resource of a stack; `prod` in the stack's name makes it a production stack. */
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

/** The findings, as `LEVEL POLICY: MESSAGE`. */
const findings = (resources: Resource | Resource[], config?: PackConfig) =>
  evaluate([resources].flat(), config).map(({ policy, level, message }) => `${level} ${policy}: ${message}`);

/** The same for one policy only. */
const of = (policy: string, resources: Resource | Resource[], config?: PackConfig) =>
  findings(resources, config)
    .filter((line) => line.includes(` ${policy}: `))
    .map((line) => line.replace(` ${policy}`, ""));

const forward = { name: "it--root", backendRefs: [{ name: "it" }], timeouts: { request: "30s" } };
const redirect = { filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https" } }] };
const route = (parentRef: Props, rules: Props[], kind = "HTTPRoute", stack?: string) =>
  resource(gatewayApi(kind), { spec: { parentRefs: [{ name: "gateway", ...parentRef }], rules } }, { stack });

describe("policy/policies", () => {
  it("have names and settings that Pulumi accepts, each with a default", () => {
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

  it("ignore other resources", () => {
    assert.deepEqual(findings(resource("kubernetes:core/v1:Service", {}, { stack: "prod" })), []);
  });

  describe("no-plaintext-route", () => {
    const served = [
      "mandatory: apps/it answers plain HTTP: bind it to the sectionName of an https listener, or let it only redirect.",
    ];
    it("refuses a route on the http listener, attached by name, by port, or to all listeners", () => {
      for (const parentRef of [{ sectionName: "http" }, { port: 80 }, {}, { sectionName: "http", port: 80 }]) {
        assert.deepEqual(of("no-plaintext-route", route(parentRef, [forward])), served);
      }
      assert.deepEqual(of("no-plaintext-route", route({}, [forward], "GRPCRoute")), served);
    });
    it("refuses a redirect that also forwards, leads elsewhere, or has another rule", () => {
      const http = { filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "http" } }] };
      for (const rules of [[{ ...redirect, ...forward }], [http], [redirect, forward], []]) {
        assert.deepEqual(of("no-plaintext-route", route({ sectionName: "http" }, rules)), served);
      }
    });
    it("refuses the listener of a service with plainHttp in production only", () => {
      const plain = (stack: string) => route({ sectionName: "host-a-test---80" }, [forward], "HTTPRoute", stack);
      assert.deepEqual(of("no-plaintext-route", plain("prod")), [
        "mandatory: apps/it answers plain HTTP in production: remove plainHttp of the service.",
      ]);
      assert.deepEqual(of("no-plaintext-route", plain("dev")), []);
      assert.deepEqual(
        of("no-plaintext-route", route({ sectionName: "https---8443" }, [forward], "HTTPRoute", "prod")),
        [],
      );
    });
    it("accepts the redirect, a rule that only refuses, routes on https, and routes of a Service", () => {
      assert.deepEqual(of("no-plaintext-route", route({ sectionName: "http" }, [redirect])), []);
      assert.deepEqual(of("no-plaintext-route", route({ sectionName: "http" }, [{ matches: [{}] }, redirect])), []);
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
    it("no-open-listener-in-production: refuses All, in production only", () => {
      const policy = "no-open-listener-in-production";
      assert.deepEqual(of(policy, gateway("All", { stack: "prod" })), [
        "mandatory: listener https of apps/it accepts routes from all namespaces: use Selector.",
      ]);
      assert.deepEqual(of(policy, gateway("Selector", { stack: "prod" })), []);
      assert.deepEqual(of(policy, gateway("All", { stack: "dev" })), []);
    });
    it("gateway-protected-in-production: refuses one that can be deleted, in production only", () => {
      const policy = "gateway-protected-in-production";
      assert.deepEqual(of(policy, gateway("Same", { stack: "prod" })), [
        "mandatory: apps/it can be deleted: set protect: true.",
      ]);
      assert.deepEqual(of(policy, gateway("Same", { stack: "prod", protect: true })), []);
      assert.deepEqual(of(policy, gateway("Same", { stack: "dev" })), []);
    });
    const proxies = (stack: string, patches: Record<string, string> | undefined, ...more: Resource[]) => [
      resource(
        gatewayApi("Gateway"),
        { spec: { infrastructure: patches === undefined ? undefined : { parametersRef: { name: "it" } } } },
        { stack, protect: true },
      ),
      resource("kubernetes:core/v1:ConfigMap", { data: patches }, { stack }),
      ...more,
    ];
    const selector = { matchLabels: { "gateway.networking.k8s.io/gateway-name": "it" } };
    const budget = resource("kubernetes:policy/v1:PodDisruptionBudget", { spec: { selector } }, { stack: "prod" });
    const two = "spec: { replicas: 2 }";
    it("gateway-available-in-production: refuses a single proxy, and proxies without a budget", () => {
      const policy = "gateway-available-in-production";
      const lonely = ["mandatory: apps/it has 1 of at least 2 proxies: set gateway.infrastructure.replicas."];
      assert.deepEqual(of(policy, proxies("prod", { deployment: two }, budget)), []);
      assert.deepEqual(of(policy, proxies("prod", { deployment: "spec: { replicas: 1 }" }, budget)), lonely);
      assert.deepEqual(of(policy, proxies("prod", {}, budget)), lonely);
      assert.match(of(policy, proxies("prod", { deployment: two })).join(), /has no budget: a node drain/);
      const scaleTargetRef = { name: "it-istio" };
      const scaled = (minReplicas: number) =>
        resource(
          "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
          { spec: { scaleTargetRef, minReplicas } },
          { stack: "prod" },
        );
      assert.deepEqual(of(policy, proxies("prod", {}, budget, scaled(2))), []);
      assert.deepEqual(of(policy, proxies("prod", { deployment: two }, budget, scaled(1))), lonely);
      assert.deepEqual(of(policy, proxies("dev", {})), []);
      assert.deepEqual(of(policy, proxies("prod", undefined)), []);
      const settings = { [policy]: { replicas: 3 } };
      assert.match(of(policy, proxies("prod", { deployment: two }, budget), settings).join(), /2 of at least 3/);
    });
    it("client-addresses-in-production: refuses a Service that hides them, also by a patch", () => {
      const policy = "client-addresses-in-production";
      const given = (value: string) => ({ service: `spec: { externalTrafficPolicy: ${value} }` });
      assert.deepEqual(of(policy, proxies("prod", given("Local"))), []);
      assert.deepEqual(of(policy, proxies("prod", { service: "spec: { type: ClusterIP }" })), []);
      for (const hidden of [given("Cluster"), given("null"), {}]) {
        assert.deepEqual(of(policy, proxies("prod", hidden)), [
          "mandatory: apps/it has a Service with externalTrafficPolicy Cluster, which hides client addresses: use Local.",
        ]);
      }
      assert.deepEqual(of(policy, proxies("dev", given("Cluster"))), []);
    });
    it("counts as production by a word in the stack's name, or by the pack's config", () => {
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
        "mandatory: apps/it is PERMISSIVE: limit plain text to the ports that need it.",
      ]);
      assert.deepEqual(
        of(policy, peers({ mtls: { mode: "STRICT" }, portLevelMtls: { "9090": { mode: "DISABLE" } } })),
        ["mandatory: apps/it is DISABLE on port 9090, which is not in plainTextPorts."],
      );
    });
    it("accepts STRICT, and named ports", () => {
      assert.deepEqual(of(policy, peers({ mtls: { mode: "STRICT" } })), []);
      const open = peers({ mtls: { mode: "STRICT" }, portLevelMtls: { "9090": { mode: "PERMISSIVE" } } });
      assert.deepEqual(of(policy, open, { [policy]: { plainTextPorts: [9090] } }), []);
      assert.equal(of(policy, open, { [policy]: { plainTextPorts: [9091] } }).length, 1);
    });
  });

  it("rsa-key-size: refuses RSA below 2048 bits, and ignores ECDSA", () => {
    const key = (props: Props) => of("rsa-key-size", resource("tls:index/privateKey:PrivateKey", props));
    assert.deepEqual(key({ algorithm: "RSA", rsaBits: 1024 }), [
      "mandatory: it has 1024 bits; at least 2048 are required.",
    ]);
    assert.deepEqual(key({ algorithm: "RSA", rsaBits: 2048 }), []);
    assert.deepEqual(key({ algorithm: "RSA" }), []);
    assert.deepEqual(key({ algorithm: "ECDSA", rsaBits: 1024 }), []);
  });

  it("certificate-lifetime: refuses more days than the pack's config allows, 398 by default", () => {
    const policy = "certificate-lifetime";
    for (const kind of ["selfSignedCert:SelfSignedCert", "locallySignedCert:LocallySignedCert"]) {
      const days = (count: number) => resource(`tls:index/${kind}`, { validityPeriodHours: count * 24 });
      assert.deepEqual(of(policy, days(398)), []);
      assert.deepEqual(of(policy, days(399)), ["mandatory: it is valid for 399 days; at most 398 are allowed."]);
      assert.equal(of(policy, days(91), { [policy]: { maxDays: 90 } }).length, 1);
      assert.equal(of(policy, days(90), { [policy]: { maxDays: 90 } }).length, 0);
    }
  });

  it("no-empty-allow-rule: refuses an allow rule without a condition", () => {
    const rules = (spec: Props) =>
      of("no-empty-allow-rule", resource("kubernetes:security.istio.io/v1:AuthorizationPolicy", { spec }));
    const refused = ["mandatory: apps/it allows everyone: specify who, where or when."];
    assert.deepEqual(rules({ action: "ALLOW", rules: [{}] }), refused);
    assert.deepEqual(rules({ rules: [{ to: [{ operation: {} }] }, { from: [] }] }), refused);
    assert.deepEqual(rules({ action: "DENY", rules: [{}] }), []);
    assert.deepEqual(rules({ action: "ALLOW", rules: [{ from: [{ source: {} }] }] }), []);
    // Allows nobody.
    assert.deepEqual(rules({ action: "ALLOW" }), []);
  });

  it("service-timeout: refuses a rule that may wait forever, except on listed routes", () => {
    const policy = "service-timeout";
    const timed = (timeouts: unknown) => route({ sectionName: "https" }, [{ ...forward, timeouts }]);
    const refused = [
      "mandatory: apps/it: it--root has no timeout and no streamIdleTimeout, so a request can wait forever.",
    ];
    for (const timeouts of [undefined, {}, { request: "0s" }, { request: "0h0m" }]) {
      assert.deepEqual(of(policy, timed(timeouts)), refused);
    }
    assert.deepEqual(of(policy, timed({ request: "10s" })), []);
    assert.deepEqual(of(policy, timed({}), { [policy]: { exceptions: ["apps/it"] } }), []);
    assert.deepEqual(of(policy, timed({}), { [policy]: { exceptions: ["other/it"] } }), refused);
    assert.deepEqual(of(policy, route({ sectionName: "http" }, [redirect])), []);
    assert.deepEqual(of(policy, route({ sectionName: "https" }, [{ backendRefs: [{}] }], "GRPCRoute")), []);
    const silent = (limit: string) => filter({ patch: { value: { typed_config: { stream_idle_timeout: limit } } } });
    const ofRule = (limit: string) =>
      filter({
        match: { routeConfiguration: { vhost: { route: { name: "it--root" } } } },
        patch: { value: { route: { idle_timeout: limit } } },
      });
    assert.deepEqual(of(policy, [timed({}), silent("300s")]), []);
    assert.deepEqual(of(policy, [timed({}), silent("0s")]), refused);
    assert.deepEqual(of(policy, [timed({}), silent("300s"), ofRule("0s")]), refused);
    assert.deepEqual(of(policy, [timed({}), ofRule("60s")]), []);
  });

  const filter = (patch: Props, more: { own?: boolean; targets?: Props; stack?: string } = {}) =>
    resource(
      "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter",
      {
        spec: {
          ...(more.targets ?? { targetRefs: [{ kind: "Gateway", name: "gateway" }] }),
          configPatches: [patch],
        },
      },
      { own: more.own, stack: more.stack },
    );

  const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";

  /** A patch with a map, as the program emits it. */
  const mapPatch = (filters: Record<string, FilterConfig>, otherwise?: FilterConfig): Props => {
    const [, patch] = filterByRoute({
      feature: "example",
      place: "last",
      by: "rule",
      filters: new Map<string, FilterConfig | undefined>([["it--skipped", undefined], ...Object.entries(filters)]),
      otherwise,
    });
    assert.equal(patch?.applyTo, "EXTENSION_CONFIG");
    return plain(patch) as Props;
  };

  describe("service-limit and service-limit-in-production", () => {
    const local = { "@type": `${FILTERS}.local_ratelimit.v3.LocalRateLimit`, token_bucket: {} };
    const metadata = (metadata_namespace: string, value: Props) => ({
      "@type": `${FILTERS}.set_metadata.v3.Config`,
      metadata: [{ metadata_namespace, value }],
    });
    const slot = { "any 1": { service: "it", limit: "global/minute" } };
    const global = metadata("unified-gateway.limits", slot);
    const limits = (stack: string, ...filters: Resource[]) =>
      findings([route({ sectionName: "https" }, [forward], "HTTPRoute", stack), ...filters]);
    const message = "apps/it has no rate limit on it--root: set rateLimit.";
    it("refuse a service without a limit in production, and warn about it elsewhere", () => {
      assert.deepEqual(limits("prod"), [`mandatory service-limit-in-production: ${message}`]);
      assert.deepEqual(limits("dev"), [`advisory service-limit: ${message}`]);
    });
    it("accept a local or a global limit of the rule itself", () => {
      for (const limit of [local, global, metadata("unified-gateway.limits-503", slot)]) {
        assert.deepEqual(limits("prod", filter(mapPatch({ "it--other": local, "it--root": limit }))), []);
        assert.equal(limits("prod", filter(mapPatch({ "it--other": limit }))).length, 1);
      }
    });
    it("refuse what limits nothing, is not for the rule, or no map of the program's", () => {
      const other = { "@type": `${FILTERS}.buffer.v3.Buffer`, max_request_bytes: 1 };
      const counted = { ...local, filter_enforced: { default_value: { numerator: 0 } } };
      const tried = metadata("unified-gateway.limits-not-enforced", slot);
      for (const none of [metadata("unified-gateway.limits", {}), metadata("other", slot), other, counted, tried]) {
        assert.equal(limits("prod", filter(mapPatch({ "it--root": none }))).length, 1);
      }
      assert.equal(limits("prod", filter(mapPatch({ "it--skipped": local }, local))).length, 1);
      assert.equal(limits("prod", filter({ ...mapPatch({ "it--root": local }), applyTo: "HTTP_ROUTE" })).length, 1);
      assert.equal(limits("prod", filter({})).length, 1);
    });
    it("check gRPC too, but not listed routes", () => {
      const grpc = route({ sectionName: "https" }, [forward], "GRPCRoute", "prod");
      const policy = "service-limit-in-production";
      assert.equal(of(policy, grpc).length, 1);
      assert.deepEqual(of(policy, grpc, { [policy]: { exceptions: ["apps/it"] } }), []);
    });
  });

  it("verified-backends-in-production: refuses a backend whose certificate is not checked, in production only", () => {
    const policy = "verified-backends-in-production";
    const rule = (trafficPolicy: Props, stack = "prod") =>
      resource("kubernetes:networking.istio.io/v1:DestinationRule", { spec: { trafficPolicy } }, { stack });
    const tls = { mode: "SIMPLE", insecureSkipVerify: true };
    const refused = ["mandatory: apps/it accepts any certificate of its backend: set ca in place of insecure."];
    assert.deepEqual(of(policy, rule({ tls })), refused);
    assert.deepEqual(of(policy, rule({ portLevelSettings: [{ port: { number: 1 }, tls }] })), refused);
    assert.deepEqual(of(policy, rule({ tls: { mode: "SIMPLE", caCertificates: "system" } })), []);
    assert.deepEqual(of(policy, rule({ tls }, "dev")), []);
  });

  describe("no-fault-in-production", () => {
    const policy = "no-fault-in-production";
    const fault = { "@type": `${FILTERS}.fault.v3.HTTPFault`, abort: {} };
    const other = { "@type": `${FILTERS}.buffer.v3.Buffer`, max_request_bytes: 1 };
    const refused = (what: string) => [`mandatory: apps/it delays or aborts requests of ${what}: remove fault.`];
    const prod = (patch: Props) => of(policy, filter(patch, { stack: "prod" }));

    it("refuses a fault, in production only, and names its rules", () => {
      const patch = mapPatch({ "it--root": fault, "it--api": fault, "it--other": other });
      assert.deepEqual(prod(patch), refused("it--root, it--api"));
      assert.deepEqual(of(policy, filter(patch, { stack: "dev" })), []);
      const live = { [policy]: { production: "^live$" } };
      assert.deepEqual(of(policy, filter(patch, { stack: "live" }), live), refused("it--root, it--api"));
    });

    it("finds it wherever it is, whatever its filter is called", () => {
      assert.deepEqual(prod(mapPatch({ "it--other": other }, fault)), refused("any rule"));
      for (const name of ["unified-gateway.fault", "envoy.filters.http.fault"]) {
        const inFilter = { applyTo: "HTTP_FILTER", patch: { value: { name, typed_config: fault } } };
        assert.deepEqual(prod(inFilter), refused("any rule"));
        const onRoute = {
          applyTo: "HTTP_ROUTE",
          match: { routeConfiguration: { vhost: { route: { name: "it--root" } } } },
          patch: { operation: "MERGE", value: { typed_per_filter_config: { [name]: fault } } },
        };
        assert.deepEqual(prod(onRoute), refused("it--root"));
      }
      // What Envoy reads as that type too.
      const struct = { "@type": "type.googleapis.com/xds.type.v3.TypedStruct", type_url: fault["@type"], value: {} };
      assert.deepEqual(prod(mapPatch({ "it--root": struct })), refused("it--root"));
    });

    it("accepts everything else", () => {
      assert.deepEqual(prod(mapPatch({ "it--root": other }, other)), []);
      assert.deepEqual(prod({ applyTo: "HTTP_ROUTE", patch: { value: {} } }), []);
      assert.deepEqual(prod({}), []);
    });
  });

  it("no-foreign-envoy-filter: refuses one from elsewhere, and one that patches other proxies", () => {
    const policy = "no-foreign-envoy-filter";
    assert.deepEqual(of(policy, filter({})), []);
    assert.deepEqual(of(policy, filter({}, { own: false })), ["mandatory: apps/it is not one of the gateway's own."]);
    const wide = "mandatory: apps/it patches proxies other than the gateway's: name it in targetRefs.";
    const byName = { workloadSelector: { labels: { "gateway.networking.k8s.io/gateway-name": "gateway" } } };
    for (const targets of [{}, byName, { targetRefs: [] }, { targetRefs: [{ kind: "GatewayClass" }] }]) {
      assert.deepEqual(of(policy, filter({}, { targets })), [wide]);
    }
    assert.deepEqual(of(policy, filter({}, { targets: byName, own: false })).slice(1), [wide]);
    const existing = { workloadSelector: { labels: { istio: "ingressgateway" } } };
    assert.deepEqual(of(policy, filter({}, { targets: existing })), []);
  });

  it("take their level from the pack's config, each its own or one for all", () => {
    const bare = route({ sectionName: "https" }, [forward], "HTTPRoute", "prod");
    const level = (config: PackConfig) => findings(bare, config).map((line) => line.split(" ")[0]);
    const policy = "service-limit-in-production";
    assert.deepEqual(level({ [policy]: "advisory" }), ["advisory"]);
    assert.deepEqual(level({ [policy]: { enforcementLevel: "disabled" } }), []);
    assert.deepEqual(level({ all: "advisory" }), ["advisory"]);
    assert.deepEqual(level({ all: "disabled", [policy]: { exceptions: [] } }), ["mandatory"]);
  });
});
