import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { proxyName } from "../../components/shared/naming";
import { request, stackOutputs, trustFile, type Answer } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { labPath } from "../../lab/state";
import { identify, makeAuthority, sign, type Authority } from "./support/authority";
import { grpcCalls, webSocket } from "./support/clients";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";
import { verified, words } from "./support/verified";

const STACK = "backendtls";
const DOMAIN = "backendtls.test";
const ADDRESS = "192.168.51.143";
const NAMESPACE = "backendtls";
const GATEWAY = { name: "backendtls", namespace: "backendtls-system" };

const CONFIG_MAP = { kind: "ConfigMap", name: "backend-ca" };
const SECRET = { kind: "Secret", name: "backend-ca" };
const own = (name: string) => ({ mode: "SIMPLE", ca: CONFIG_MAP, sni: `${name}.internal` });

/** By name: what is set, and the name in its certificate. One that is not in `SIGNED` signs its certificate itself. */
const BACKENDS: Readonly<Record<string, Values>> = {
  // Beside connection pool, ejection and affinity.
  whole: {
    trafficPolicy: {
      tls: own("whole"),
      connections: { maxConnections: 100, maxRequests: 100 },
      outlierDetection: { consecutive5xxErrors: 3, baseEjectionTime: "60s", maxEjectionPercent: 50 },
      loadBalancing: { type: "CONSISTENT_HASH", key: { type: "header", name: "x-user" } },
    },
  },
  "by-host": { tls: { mode: "SIMPLE", ca: SECRET } },
  "other-host": { tls: { mode: "SIMPLE", ca: SECRET } },
  rewritten: { tls: { mode: "SIMPLE", ca: CONFIG_MAP }, rewrite: { hostname: "rewritten.internal" } },
  "other-name": { tls: own("other-name") },
  named: { tls: { ...own("asked"), subjectAltNames: ["nobody.internal", "named.internal"] } },
  "wrong-ca": { tls: own("wrong-ca") },
  expired: { tls: own("expired") },
  "image-ca": { tls: { mode: "SIMPLE", sni: "image-ca.internal" } },
  "not-image-ca": { tls: { mode: "SIMPLE", sni: "not-image-ca.internal" } },
  insecure: { tls: { mode: "SIMPLE", insecure: true } },
  mutual: { tls: { mode: "MUTUAL", credentialName: "gateway-identity", sni: "mutual.internal" } },
  "asks-client": { tls: own("asks-client") },
  "no-ca": { tls: { ...own("no-ca"), ca: { kind: "Secret", name: "missing" } } },
  greeter: { tls: own("greeter"), protocol: "grpc" },
  stranger: { tls: own("stranger"), protocol: "grpc" },
  modern: { tls: own("modern") },
  plain: {},
};

const VALUES: Values = {
  domain: DOMAIN,
  gateway: {
    ...GATEWAY,
    address: ADDRESS,
    infrastructure: {
      preset: "small",
      patches: {
        deployment: {
          spec: {
            template: {
              spec: {
                // In place of the CAs of the image.
                containers: [
                  { name: "istio-proxy", volumeMounts: [{ name: "image-ca", mountPath: "/etc/ssl/certs" }] },
                ],
                volumes: [{ name: "image-ca", configMap: { name: "image-ca" } }],
              },
            },
          },
        },
      },
    },
  },
  services: Object.entries(BACKENDS).map(([name, { tls, ...more }]) => ({
    ...{ name, namespace: NAMESPACE, port: name === "plain" ? 8080 : 8443 },
    ...(tls === undefined ? {} : { trafficPolicy: { tls } }),
    ...more,
  })),
};

describe("backendTls", function () {
  this.timeout(400_000);
  let caFile = "";
  const get = (name: string, path = "/", ...headers: string[]): Promise<Answer> =>
    request(theLab(), `https://${name}.${DOMAIN}${path}`, { headers });
  const seen = ({ body }: Answer) =>
    JSON.parse(body) as {
      address: string;
      tls?: { sni?: string; httpVersion: string; client?: string; remotePort: number };
    };

  /** The client sees Envoy's own words, the backend no request. */
  async function assertRefused(name: string): Promise<void> {
    const { status, body } = await get(name, "/?key=refused");
    assert.equal(status, 503, `${name}: ${body}`);
    assert.match(body, /^upstream connect error or disconnect\/reset before headers/, name);
    assert.doesNotMatch(body, /TLS|SSL|certificate|SDS|internal/i, "nothing of the handshake is told to clients");
    const { address = "" } = theLab().snapshot.backends.find(({ service }) => service === name) ?? {};
    const count = await request(theLab(), `https://${address}:8443/__count?key=refused`);
    assert.deepEqual([count.status, count.body], [200, "0"], `${name} is up, and got nothing`);
  }

  before(async () => {
    const [ca, imageCa, otherCa] = await Promise.all(["Backend CA", "Image CA", "Other CA"].map(makeAuthority));
    assert.ok(ca && imageCa && otherCa);
    const signed: Readonly<Record<string, readonly [by: Authority, name?: string, hours?: number]>> = {
      whole: [ca],
      "by-host": [ca, `by-host.${DOMAIN}`],
      "other-host": [ca, `by-host.${DOMAIN}`],
      rewritten: [ca],
      "other-name": [ca, "somebody.internal"],
      named: [ca],
      "wrong-ca": [otherCa],
      expired: [ca, undefined, -1],
      "image-ca": [imageCa],
      "not-image-ca": [ca],
      mutual: [ca],
      "asks-client": [ca],
      "no-ca": [ca],
      greeter: [ca],
      stranger: [otherCa],
      modern: [ca],
    };
    for (const [service, [by, name, hours]] of Object.entries(signed)) {
      identify(NAMESPACE, service, await sign(by, name ?? `${service}.internal`, hours));
    }
    for (const service of ["mutual", "asks-client"]) {
      writeFileSync(labPath(`${NAMESPACE}.${service}.clients.crt`), ca.caCertPem);
    }
    const client = await sign(ca, "gateway.internal");
    const { namespace } = GATEWAY;
    const object = (kind: string, name: string, more: object) => ({
      ...{ apiVersion: "v1", kind, metadata: { name, namespace } },
      ...more,
    });
    const serviceAccount = proxyName(GATEWAY);
    const group = "rbac.authorization.k8s.io";
    const items = [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      object("ConfigMap", CONFIG_MAP.name, { data: { "ca.crt": ca.caCertPem } }),
      object("Secret", SECRET.name, { stringData: { "ca.crt": ca.caCertPem } }),
      object("ConfigMap", "image-ca", { data: { "ca-certificates.crt": imageCa.caCertPem } }),
      object("Secret", "gateway-identity", {
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": client.crt, "tls.key": client.key, "ca.crt": ca.caCertPem },
      }),
      // The one of docs/features.md.
      object("Role", "read-secrets", {
        apiVersion: `${group}/v1`,
        rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["list"] }],
      }),
      object("RoleBinding", "read-secrets", {
        apiVersion: `${group}/v1`,
        roleRef: { apiGroup: group, kind: "Role", name: "read-secrets" },
        subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
      }),
    ];
    const all = { apiVersion: "v1", kind: "List", items };
    await theLab().kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(all));
    await deploy(STACK, VALUES);
    caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    await eventually("the routes", 60_000, async () => {
      for (const name of ["plain", "whole", "by-host", "image-ca", "mutual", "modern"]) {
        const { status, body } = await get(name);
        assert.equal(status, 200, `${name}: ${body}`);
      }
    });
  });
  after(() => destroy(STACK));

  describe("accepts a backend", () => {
    it("with a certificate of the CA for the server name that is set", async () => {
      assert.equal(seen(await get("whole")).tls?.sni, "whole.internal");
      assert.equal(seen(await get("plain")).tls, undefined);
    });

    it("with one for the Host header, which is the server name by default", async () => {
      assert.equal(seen(await get("by-host")).tls?.sni, `by-host.${DOMAIN}`);
    });

    it("with one for the host name that the Host header is rewritten to", async () => {
      assert.equal(seen(await get("rewritten")).tls?.sni, "rewritten.internal");
    });

    it("with one of the names that are allowed, whatever the server name", async () => {
      assert.equal(seen(await get("named")).tls?.sni, "asked.internal");
    });

    it("with one of a CA of the proxy's image, unless another CA is set", async () => {
      assert.equal(seen(await get("image-ca")).tls?.sni, "image-ca.internal");
    });

    it("that signed it itself, if insecure is said", async () => {
      assert.equal(seen(await get("insecure")).tls?.sni, `insecure.${DOMAIN}`);
    });

    it("that asks for the gateway's certificate, and shows it", async () => {
      assert.equal(seen(await get("mutual")).tls?.client, "gateway.internal");
    });
  });

  describe("refuses with 503 a backend", () => {
    for (const [name, of] of Object.entries({
      "wrong-ca": "another CA",
      "not-image-ca": "a CA that the proxy's image does not have, if none is set",
      expired: "the day before",
      "other-host": "another host than the request's",
      "other-name": "another name than the server name that is set",
    })) {
      it(`with a certificate of ${of}`, () => assertRefused(name));
    }

    it("whose CA is missing", () => assertRefused("no-ca"));

    it("that wants a certificate which the gateway does not show", async () => {
      assert.equal((await get("asks-client")).status, 503);
    });

    it("over gRPC, as UNAVAILABLE", async () => {
      const [call] = await grpcCalls({ host: `stranger.${DOMAIN}`, caFile, method: "Unary" });
      assert.equal(call?.code, 14);
    });
  });

  describe("carries", () => {
    it("gRPC, over HTTP/2 whatever the port's protocol", async () => {
      const [call] = await grpcCalls({ host: `greeter.${DOMAIN}`, caFile, method: "Unary" });
      assert.deepEqual([call?.code, call?.answers[0]?.service, call?.trailers["x-trailer"]], [0, "greeter", "greeter"]);
    });

    it("HTTP/1.1, and HTTP/2 if the Service's port says so", async () => {
      assert.equal(seen(await get("modern")).tls?.httpVersion, "1.1");
      const patch = [{ op: "replace", path: "/spec/ports/0/appProtocol", value: "http2" }];
      const at = ["service", "modern", "-n", NAMESPACE];
      await theLab().kubectl(["patch", ...at, "--type=json", "-p", JSON.stringify(patch)]);
      await eventually("HTTP/2", 30_000, async () => assert.equal(seen(await get("modern")).tls?.httpVersion, "2.0"));
    });

    it("WebSocket", async () => {
      const { received, refused } = await webSocket({ url: `wss://whole.${DOMAIN}/chat`, caFile, silence: 0 });
      const greeting = JSON.stringify({ service: "whole", path: "/chat" });
      assert.deepEqual([received, refused], [[greeting, "first", "second"], undefined]);
    });
  });

  it("reuses connections", async () => {
    const ports = new Set<number | undefined>();
    for (let n = 0; n < 40; n++) {
      ports.add(seen(await get("by-host", `/?n=${n}`)).tls?.remotePort);
    }
    // One for each thread of Envoy.
    assert.ok(ports.size <= 4, `${ports.size} connections for 40 requests`);
  });

  it("works together with affinity and ejection", async () => {
    await theLab().scale(NAMESPACE, "whole", 3);
    const endpoint = async (user: string, path = "/") => seen(await get("whole", path, `x-user: ${user}`)).address;
    const users = Array.from({ length: 12 }, (_, index) => `user-${index}`);
    let homes: string[] = [];
    await eventually("three endpoints", 30_000, async () => {
      homes = await Promise.all(users.map((user) => endpoint(user)));
      assert.equal(new Set(homes).size, 3);
    });
    assert.deepEqual(await Promise.all(users.map((user) => endpoint(user))), homes);
    const [user = "", home = ""] = [users[0], homes[0]];
    for (let n = 0; n < 3; n++) {
      assert.equal((await get("whole", "/?status=500", `x-user: ${user}`)).status, 500);
    }
    await eventually("the ejection", 15_000, async () => assert.notEqual(await endpoint(user), home));
  });

  it("is TLS once, without that of the mesh", async () => {
    const dump = await theLab().inProxy(GATEWAY.name, [
      ...["curl", "-sf", "http://127.0.0.1:15000/config_dump?resource=dynamic_active_clusters"],
    ]);
    const clusters = (
      JSON.parse(dump) as { configs: { cluster: { name: string; transport_socket_matches?: object } }[] }
    ).configs;
    const of = (name: string, port: number) =>
      clusters.find(({ cluster }) => cluster.name === `outbound|${port}||${name}.${NAMESPACE}.svc.cluster.local`);
    assert.ok(of("plain", 8080)?.cluster.transport_socket_matches, "auto mTLS of a backend without tls");
    assert.ok(of("by-host", 8443));
    assert.equal(of("by-host", 8443)?.cluster.transport_socket_matches, undefined);
  });

  it("is named by verify where it fails", async () => {
    const rows = await verified(STACK, VALUES, "--address", ADDRESS, "--no-cluster");
    const failed = rows.filter(({ check, state }) => check === "routes" && state === "failed");
    const cause = (name: string) => failed.find(({ what }) => what.includes(`//${name}.${DOMAIN}/`))?.cause ?? "";
    for (const name of ["wrong-ca", "no-ca"]) {
      assert.match(cause(name), /^TLS with the backend fails/, words(rows));
    }
    assert.equal(cause("by-host"), "");
  });

  it("has no proxy that rejects its config", () => assertNothingRejected(GATEWAY.name));
});
