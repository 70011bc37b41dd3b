import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { testAuthority } from "../support/certificates";
import { Program } from "./support/program";
import { namespace } from "./support/objects";
import { theCluster, theProviders } from "./support/suite";

/** Kinds that the smallest gateway makes. */
const KINDS = [
  ["gateway.networking.k8s.io", "v1", "gateways", "Gateway"],
  ["gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass"],
  ["gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute"],
  ["networking.istio.io", "v1alpha3", "envoyfilters", "EnvoyFilter"],
] as const;

/** CRDs that take anything. */
const CRDS = KINDS.map(([group, version, plural, kind]) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `${plural}.${group}`,
    annotations: {
      "api-approved.kubernetes.io": "unapproved, of a test",
      "gateway.networking.k8s.io/channel": "standard",
      "gateway.networking.k8s.io/bundle-version": "v1.5.1",
    },
  },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural, kind },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
}));

/** A text in the forms in which a file could hold it. */
function forms(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    // What comes before it shifts its encoding; the first and the last characters depend on its neighbours.
    const encoded = Buffer.from(" ".repeat(shift) + secret).toString("base64");
    return encoded.slice(4, -4);
  });
  return [secret, JSON.stringify(secret).slice(1, -1), ...base64];
}

describe("secrets of the config, with Pulumi's CLI", function () {
  this.timeout(300_000);
  let program: Program;
  let told = "";
  before(() => (program = new Program(theProviders().tools)));
  after(() => program.remove());

  const marker = (name: string) => `${name}-${randomBytes(12).toString("hex")}`;
  const plain = marker("plain");
  const services = (more: object = {}) => [
    { name: "web", namespace: "secrets-apps", responseHeaders: { set: { "x-plain": plain } }, ...more },
  ];
  const BASE = {
    "istio-gateway:domain": "example.test",
    "istio-gateway:gateway": { namespace: "secrets-gateway", programmedTimeout: "0s" },
    "istio-gateway:services": services(),
  };
  const up = async (stack: string) => {
    // Not more verbose: from -v=9 on, Pulumi logs what it sends to its plugins, secrets too, as it says.
    told += await program.succeeds(["up", "--yes", "--stack", stack, "--diff", "--logtostderr", "-v=3"]);
  };

  /** Where a secret is in clear text: files of Pulumi, among them rendered ones, and its output. */
  const places = (secret: string): string[] =>
    [...program.files(), { path: "output", text: told }]
      .filter(({ text }) => forms(secret).some((form) => text.includes(form)))
      .map(({ path }) => path);

  it("are in none of its files and in no output, with a cluster", async () => {
    await theCluster().apply("contract", CRDS);
    await namespace("secrets-gateway");
    await namespace("secrets-apps");
    const kubeconfig = readFileSync(theCluster().kubeconfig, "utf8");
    await program.init("cluster", BASE, { "istio-gateway:kubernetes.kubeconfig": kubeconfig });
    await up("cluster");
    told += await program.succeeds(["stack", "output", "--json", "--stack", "cluster"]);
    const [, token = ""] = /"token":"(\w+)"/.exec(kubeconfig) ?? [];
    assert.equal(token.length, 48);
    const found = places(plain).map((path) => path.replace(/\d{10,}/, "N"));
    for (const part of [".pulumi/stacks/", ".json.bak", ".pulumi/history/", "output"]) {
      assert.ok(
        found.some((path) => path.includes(part)),
        `the scan finds nothing in ${part}: ${found.join(" ")}`,
      );
    }
    assert.deepEqual(places(token), []);
    const made = await theCluster().get("secret", "unified-gateway--wildcard-example-test-tls", "secrets-gateway");
    const key = Buffer.from(made?.data?.["tls.key"] ?? "", "base64").toString();
    assert.match(key, /PRIVATE KEY/);
    assert.deepEqual(places(key.split("\n")[1] ?? ""), []);
  });

  it("are in none of its files but rendered Secrets, without a cluster", async () => {
    const { certificatePem, privateKeyPem } = await testAuthority(1000);
    const password = marker("password");
    const config = {
      ...BASE,
      "istio-gateway:certificate": { type: "ca-signed", caCertificate: certificatePem },
      "istio-gateway:rateLimitService": { redis: { type: "external", host: "redis.test" } },
      "istio-gateway:services": services({ rateLimit: { type: "global", requests: 1, per: "hour" } }),
      "istio-gateway:kubernetes": {
        renderDirectory: join(program.folder, "project", "rendered"),
        gatewayApi: { channel: "standard", version: "v1.5.1" },
      },
    };
    await program.init("rendered", config, {
      "istio-gateway:certificate.caPrivateKey": privateKeyPem,
      "istio-gateway:rateLimitService.redis.password": password,
    });
    await up("rendered");
    assert.deepEqual(places(privateKeyPem.split("\n")[1] ?? ""), []);
    const rendered = places(password);
    assert.deepEqual(rendered, [
      "project/rendered/1-manifest/v1-secret-secrets-gateway-unified-gateway--rate-limit-password.yaml",
    ]);
  });

  it("are refused anywhere else, by the path, and shown nowhere", async () => {
    const secret = marker("misplaced");
    const at = "istio-gateway:services[0].requestHeaders.set.x-api-key";
    await program.init("misplaced", BASE, { [at]: secret });
    const { code, stdout, stderr } = await program.pulumi(["up", "--yes", "--skip-preview", "--stack", "misplaced"]);
    told += stdout + stderr;
    assert.notEqual(code, 0);
    assert.match(stdout, /stack config has 1 mistake, nothing was changed:/);
    assert.ok(stdout.includes(`${at} (web): [hidden], expected a value that is no Pulumi secret`), stdout);
    assert.deepEqual(places(secret), []);
  });
});
