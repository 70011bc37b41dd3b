import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { stackGateway } from "../../components/stackGateway";
import { UnifiedGateway } from "../../components/unifiedGateway";
import { loadStackFile } from "../../config/load/stackFile";
import { metadataOf, only, register, valueOf, type Registered } from "../support/deployment";
import { schemaErrors } from "../support/schemas";
import { numbered, stack } from "../support/stacks";

const ROOT = join(__dirname, "..", "..");
const GOLDEN = join(__dirname, "..", "golden");
const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute";

const deploy = (config: ReturnType<typeof stack>) => register(() => new UnifiedGateway("gateway", config));

/** Kubernetes objects of a stack, without keys and certificates. */
function objects(resources: readonly Registered[]): Record<string, unknown> {
  const kubernetes = resources.filter(({ type }) => type.startsWith("kubernetes:"));
  const shown = kubernetes.map(({ type, name, inputs }) => {
    const { stringData, ...rest } = inputs;
    return [`${type} ${name}`, stringData === undefined ? rest : { ...rest, stringData: "[left out]" }] as const;
  });
  return Object.fromEntries(shown.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe("components/unifiedGateway", () => {
  for (const name of ["dev", "prod"]) {
    describe(`stack ${name}`, () => {
      let resources: Registered[];
      before(async () => {
        const config = numbered(loadStackFile(join(ROOT, `Pulumi.${name}.yaml`)));
        resources = await register(() => stackGateway(config, name, {}));
      });

      it("matches the golden file (UPDATE_GOLDEN=1 writes it)", () => {
        const path = join(GOLDEN, `${name}.json`);
        const text = `${JSON.stringify(objects(resources), null, 2)}\n`;
        if (process.env.UPDATE_GOLDEN === "1") {
          mkdirSync(GOLDEN, { recursive: true });
          writeFileSync(path, text);
        }
        assert.equal(text, readFileSync(path, "utf8"));
      });

      it("emits objects that the experimental CRDs accept", () => {
        assert.deepEqual(schemaErrors("experimental", resources), []);
      });

      it("emits objects that the standard CRDs accept, except vmagent's retry", () => {
        const retry = [0, 1, 2].map(
          (rule) => `gateway-vmagent/spec/rules/${rule}: must NOT have additional properties`,
        );
        assert.deepEqual(schemaErrors("standard", resources), name === "dev" ? retry : []);
      });

      it("gives every rule a name that is unique across the gateway", () => {
        const names = resources
          .filter(({ type }) => type === ROUTE)
          .flatMap(({ inputs }) => (inputs.spec as { rules: { name: string }[] }).rules.map((rule) => rule.name));
        assert.equal(new Set(names).size, names.length);
        assert.ok(names.every((rule) => rule.includes("--")));
      });
    });
  }

  it("admits the routes of its services' namespaces, and patches none", async () => {
    const services = ["c", "a", "b"].map((name) => ({ name, namespace: name === "c" ? "two" : "one" }));
    const resources = await deploy(stack({ services }));
    const { spec } = only(resources, GATEWAY).inputs as { spec: { listeners: { allowedRoutes: unknown }[] } };
    const matchExpressions = [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["one", "two"] }];
    assert.deepEqual(spec.listeners[1]?.allowedRoutes, {
      namespaces: { from: "Selector", selector: { matchExpressions } },
    });
    // What is patched has no manager's name of ours: that would be an annotation on another's object.
    assert.ok(!resources.some(({ type }) => type.endsWith("Patch")));
  });

  it("creates no route before everything that guards it, and the Gateway last", async () => {
    const names = new Map<pulumi.Resource, string>();
    const dependencies = new Map<string, string[]>();
    const look: pulumi.ResourceTransformation = ({ resource, type, name, opts }) => {
      names.set(resource, `${type.split(":").at(-1) ?? ""} ${name}`);
      const before = [opts.dependsOn ?? []].flat() as pulumi.Resource[];
      dependencies.set(`${type.split(":").at(-1) ?? ""} ${name}`, before.map((one) => names.get(one) ?? "").sort());
      return undefined;
    };
    const config = stack({
      gateway: { clientAddress: { trustedProxies: 1, proxyAddresses: ["10.9.0.0/16"] } },
      services: [
        {
          name: "web",
          namespace: "apps",
          access: { jwt: { issuer: "https://id.test", audiences: ["web"], jwksUri: "https://id.test/keys" } },
          rateLimit: { type: "local", requests: 1, per: "second" },
          limits: { streamIdleTimeout: "1m" },
          trafficPolicy: { connections: { maxConnections: 1 } },
          canary: { percent: 10, versions: { selector: { app: "web" } } },
        },
      ],
      mtls: { strictNamespaces: ["apps"] },
    });
    await register(() => new UnifiedGateway("gateway", config, { transformations: [look] }));
    assert.deepEqual(dependencies.get("Routes gateway"), ["VersionServices gateway-versions"]);
    // Deleted after the route, which is not so for what only the component depends on.
    assert.deepEqual(dependencies.get("HTTPRoute gateway-web"), [
      "AuthorizationPolicy gateway-access-detours",
      "DestinationRule gateway-backends-web-canary.apps",
      "DestinationRule gateway-backends-web-stable.apps",
      "EnvoyFilter gateway-access",
      "EnvoyFilter gateway-access-scope",
      "EnvoyFilter gateway-credentials",
      "EnvoyFilter gateway-limits",
      "EnvoyFilter gateway-local-rate-limit",
      "EnvoyFilter gateway-retry",
      "EnvoyFilter gateway-route-keys",
      "RequestAuthentication gateway-access-jwt",
      "StrictMtls gateway-mtls",
    ]);
    assert.deepEqual(dependencies.get("TlsGateway gateway"), [
      "EnvoyFilter gateway-hardening",
      "EnvoyFilter gateway-tls-parameters",
      "HTTPRoute gateway-redirect",
      "Routes gateway",
    ]);
  });

  it("outputs endpoints, DNS records and the certificate's public data", async () => {
    let gateway: UnifiedGateway | undefined;
    await register(() => {
      gateway = new UnifiedGateway("gateway", stack({ gateway: { address: "192.0.2.7" } }));
    });
    assert.ok(gateway);
    assert.deepEqual(await valueOf(gateway.endpoints), { web: "https://web.example.test" });
    assert.deepEqual(await valueOf(gateway.dnsRecords), ["web.example.test. 300 IN A 192.0.2.7"]);
    const [certificate] = await valueOf(gateway.certificates);
    assert.ok(certificate);
    assert.deepEqual(certificate.dnsNames, ["*.example.test", "example.test"]);
    assert.match(certificate.fingerprintSha256 ?? "", /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    // From the certificate itself: the provider says 2030, with fractions of a second.
    const days = (time = "") => (Date.parse(time) - Date.now()) / 86_400_000;
    assert.match(certificate.notAfter ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(Math.abs(days(certificate.notAfter) - 90) < 0.1, certificate.notAfter);
    assert.ok(Math.abs(days(certificate.renewalTime) - 60) < 0.1, certificate.renewalTime);
    const outputs = JSON.stringify([certificate, await valueOf(gateway.readme)]);
    assert.doesNotMatch(outputs, /PRIVATE KEY/);
  });

  it("waits for Programmed as long as configured, or not at all", async () => {
    const annotations = async (gateway: object) => {
      return metadataOf(only(await deploy(stack({ gateway })), GATEWAY)).annotations;
    };
    assert.deepEqual(await annotations({ programmedTimeout: "5s" }), {
      "pulumi.com/waitFor": "condition=Programmed",
      "pulumi.com/timeoutSeconds": "5",
    });
    assert.deepEqual(await annotations({ programmedTimeout: "0s" }), { "pulumi.com/skipAwait": "true" });
  });
});
