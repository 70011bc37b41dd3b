import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { tlsSecret } from "../../lab/manifests";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { certificateWithKey } from "../support/certificates";
import { apply, type Manifest } from "./support/emitted";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { verified, words } from "./support/verified";

const STACK = "listener-sets";
const ADDRESS = "192.168.51.133";
const GATEWAY = { name: "sets", namespace: "sets-system" };
const OWN = "a.team.test";
const VALUES: Values = {
  domain: "sets.test",
  gateway: {
    ...GATEWAY,
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
    allowedListeners: [{ namespace: "team", hosts: ["*.team.test"] }],
  },
  services: [
    { name: "web", namespace: "apps", port: 8080, access: { allow: [`${CLIENT_INSIDE}/32`] } },
    { name: "shop", namespace: "team", port: 8080 },
  ],
};

const API = "gateway.networking.k8s.io";

function listenerSet(
  hostname: string | undefined,
  { namespace = "team", port = 443, protocol = "HTTPS" } = {},
): Manifest {
  const tls = protocol === "HTTPS" ? { certificateRefs: [{ name: "own-tls" }] } : undefined;
  return {
    apiVersion: `${API}/v1`,
    kind: "ListenerSet",
    metadata: { name: "own", namespace },
    spec: { parentRef: GATEWAY, listeners: [{ name: "own", hostname, port, protocol, tls }] },
  };
}

const get = (host: string, from = CLIENT_INSIDE, ...curl: string[]) =>
  request(theLab(), `https://${host}/`, { from, curl: ["--resolve", `${host}:443:${ADDRESS}`, ...curl] });

describe("listener sets", () => {
  before(async () => {
    await deploy(STACK, VALUES);
    const { certificatePem, privateKeyPem } = await certificateWithKey(["*.team.test"], 30);
    await apply([
      tlsSecret("own-tls", "team", certificatePem, privateKeyPem) as unknown as Manifest,
      listenerSet("*.team.test"),
      {
        apiVersion: `${API}/v1`,
        kind: "HTTPRoute",
        metadata: { name: "own", namespace: "team" },
        spec: {
          parentRefs: [{ group: API, kind: "ListenerSet", name: "own" }],
          hostnames: [OWN],
          rules: [{ backendRefs: [{ name: "shop", port: 8080 }] }],
        },
      },
    ]);
  });
  after(async () => {
    await theLab().kubectl(["delete", "httproute,listenerset", "own", "-n", "team", "--ignore-not-found"]);
    await destroy(STACK);
  });

  it("of allowed namespaces are served with their certificates, by their own rules", async () => {
    await eventually("the team's host", 60_000, async () =>
      assert.equal((await get(OWN, CLIENT_OUTSIDE)).headers["x-backend"], "shop"),
    );
    const { stdout } = await theLab().run(["openssl", "s_client", "-connect", `${ADDRESS}:443`, "-servername", OWN]);
    assert.match(stdout, /subject=.*team\.test/);
    assert.equal((await get("web.sets.test")).status, 200);
    assert.equal((await get("web.sets.test", CLIENT_OUTSIDE)).status, 403, "the stack's own rules hold");
  });

  it("do not lead to hosts of the stack, nor those to theirs", async () => {
    const over = (sni: string, host: string) => get(sni, CLIENT_INSIDE, "--header", `Host: ${host}`);
    assert.match(String((await over(OWN, "web.sets.test")).status), /^(404|421)$/);
    assert.match(String((await over("web.sets.test", OWN)).status), /^(404|421)$/);
  });

  it("with hosts of others, other ports or no TLS are refused by the API server", async () => {
    const says = (manifest: Manifest, reason: RegExp) => assert.rejects(apply([manifest]), reason);
    await says(
      listenerSet("web.sets.test"),
      /each listener needs a hostname of \*\.team\.test: gateway\.allowedListeners/,
    );
    await says(listenerSet("team.test"), /each listener needs a hostname of/);
    await says(listenerSet(undefined), /each listener needs a hostname of/);
    await says(listenerSet("b.team.test", { port: 8443 }), /each listener needs port 443/);
    await says(listenerSet("b.team.test", { protocol: "HTTP" }), /each listener needs port 443, and HTTPS or TLS/);
    await says(listenerSet("a.team.test", { namespace: "apps" }), /of its namespace, which has none/);
    const elsewhere = listenerSet("any.test", { namespace: "apps" });
    const other = { ...elsewhere, spec: { ...(elsewhere.spec as object), parentRef: { name: "another" } } };
    await apply([other]);
    await theLab().kubectl(["delete", "listenerset", "own", "-n", "apps"]);
  });

  it("are in verify", async () => {
    const rows = await verified(STACK, VALUES, "--from", CLIENT_INSIDE, "--address", ADDRESS);
    const own = rows.filter(({ check }) => check === "listener-sets");
    assert.deepEqual(
      own.map(({ what, state }) => [what, state]),
      [["ListenerSet team/own is in force, with hosts of its namespace", "ok"]],
      words(own),
    );
  });
});
