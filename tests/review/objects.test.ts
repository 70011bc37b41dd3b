import assert from "node:assert/strict";
import type { EmittedResource } from "../../emit/resources";
import { withoutSecrets } from "../../emit/secrets";
import { objectChanges } from "../../review/objects";

const KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
const secret = (value: unknown) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value });

const resource = (type: string, props: Record<string, unknown>, protect = false): EmittedResource => ({
  type,
  name: "it",
  urn: `urn:pulumi:dev::istio-gateway::${type}::it`,
  props: { metadata: { namespace: "apps", name: "it" }, ...props },
  protect,
});
const route = (request: string, protect = false) =>
  resource(
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
    { spec: { rules: [{ timeouts: { request } }] } },
    protect,
  );

describe("review/objects", () => {
  it("lists what is added, changed and removed by its name in the cluster", () => {
    const service = resource("kubernetes:core/v1:Service", {});
    const key = { ...resource("tls:index/privateKey:PrivateKey", { rsaBits: 2048 }), props: { rsaBits: 2048 } };
    assert.deepEqual(objectChanges([route("30s"), service], [route("5s", true), key]), [
      {
        action: "change",
        object: "HTTPRoute apps/it",
        details: ["spec.rules[0].timeouts.request: 30s → 5s", "protected from deletion"],
      },
      { action: "add", object: "PrivateKey it", details: [] },
      { action: "remove", object: "Service apps/it", details: [] },
    ]);
    assert.deepEqual(objectChanges([route("5s")], [route("5s")]), []);
  });

  it("reads the YAML and the JSON in a ConfigMap", () => {
    const map = (data: Record<string, string>) => resource("kubernetes:core/v1:ConfigMap", { data });
    const details = (from: string, to: string) => objectChanges([map({ it: from })], [map({ it: to })])[0]?.details;
    assert.deepEqual(details("a:\n  b: 1\n  c: 1\n", "a:\n  b: 2\n  c: 1\n"), ["data.it.a.b: 1 → 2"]);
    assert.deepEqual(details('{"a":[1,2]}', '{"a":[1,3]}'), ["data.it.a[1]: 2 → 3"]);
    assert.deepEqual(details("a\nb", "a\nc"), ["data.it: a b → a c"]);
    assert.deepEqual(details("{", "}"), ["data.it: { → }"]);
  });

  it("shows nothing of Secrets, secret values and keys", () => {
    const shown = [
      resource("kubernetes:core/v1:Secret", { stringData: { "tls.key": "hush" }, type: "kubernetes.io/tls" }),
      resource("tls:index/locallySignedCert:LocallySignedCert", { caPrivateKeyPem: secret("hush"), hours: 1 }),
      resource("kubernetes:core/v1:ConfigMap", { data: { list: [KEY, "plain"] } }),
      resource("tls:index/selfSignedCert:SelfSignedCert", { privateKeyPem: { __pulumiUnknown: true } }),
    ].map((made) => withoutSecrets(made).props);
    const metadata = { namespace: "apps", name: "it" };
    assert.deepEqual(shown, [
      { metadata, type: "kubernetes.io/tls", stringData: "(secret)" },
      { metadata, caPrivateKeyPem: "(secret)", hours: 1 },
      { metadata, data: { list: ["(secret)", "plain"] } },
      { metadata, privateKeyPem: "(known after the update)" },
    ]);
  });
});
