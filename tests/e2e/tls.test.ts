import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { eventually } from "../../lab/processes";
import { handshake, request, type Answer } from "../../lab/probe";
import { labPath } from "../../lab/state";
import { signedBy, testAuthority, type TestAuthority } from "../support/certificates";
import { deploy, destroy, pulumiOk, theLab, writeStack, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";
import { verified, words } from "./support/verified";

const STACK = "tls";
const DOMAIN = "tls.test";
const ADDRESS = "192.168.51.155";
const HOST = `web.${DOMAIN}`;

const values = (clientCertificates: Values): Values => ({
  domain: DOMAIN,
  gateway: {
    name: "tls",
    namespace: "tls-system",
    address: ADDRESS,
    tls: { minVersion: "1.3", clientCertificates },
    hsts: { maxAge: "365d", includeSubDomains: true, preload: true },
  },
  certificate: { type: "self-signed", keyAlgorithm: "ecdsa-p256" },
  services: [
    { name: "web", namespace: "tls-apps", port: 8080, responseHeaders: { set: { "x-frame-options": "DENY" } } },
    { name: "own", namespace: "tls-apps", port: 8080, hsts: { maxAge: "5m" } },
  ],
});

/** A client certificate and key in files, as arguments for curl. */
async function client(authority: TestAuthority, name: string): Promise<string[]> {
  const { certificatePem, privateKeyPem } = await signedBy(authority, { commonName: name, uses: ["client_auth"] });
  const file = labPath(`${name}.pem`);
  writeFileSync(file, certificatePem + privateKeyPem, { mode: 0o600 });
  return ["--cert", file];
}

describe("tls", () => {
  let authority: TestAuthority;
  let mine: string[];
  let strangers: string[];
  const get = (curl: readonly string[], host = "web", headers: readonly string[] = []): Promise<Answer> =>
    request(theLab(), `https://${host}.${DOMAIN}/`, { curl, headers });
  const answers = (curl: readonly string[]) =>
    eventually("an answer", 30_000, async () => assert.equal((await get(curl)).status, 200));
  const configMapUid = () =>
    theLab().kubectl(["get", "configmap", "tls--client-ca", "-n", "tls-system", "-o", "jsonpath={.metadata.uid}"]);

  before(async () => {
    authority = await testAuthority(365, true, "Clients");
    mine = await client(authority, "client-mine");
    strangers = await client(await testAuthority(365, true, "Clients"), "client-strangers");
    await deploy(STACK, values({ caCertificate: authority.certificatePem }));
    await answers(mine);
  });
  after(() => destroy(STACK));

  it("refuses TLS 1.2 if 1.3 is the minimum", async () => {
    const [, file = ""] = mine;
    const shows = ["-cert", file, "-cipher", "DEFAULT:@SECLEVEL=0"];
    assert.equal((await handshake(theLab(), ADDRESS, HOST, ["-tls1_2", ...shows])).succeeded, false);
    const { succeeded, protocol, serial } = await handshake(theLab(), ADDRESS, HOST, ["-tls1_3", ...shows]);
    assert.deepEqual([succeeded, protocol], [true, "TLSv1.3"]);
    assert.notEqual(serial, "", "the merge lost the certificate");
  });

  it("refuses clients without a certificate or with one from another CA", async () => {
    assert.equal((await get([])).status, 0);
    assert.equal((await get(strangers)).status, 0);
    assert.equal((await get(mine)).status, 200);
  });

  it("tells the backend who the client is, whatever the client claims", async () => {
    const { body } = await get(mine, "web", ['x-forwarded-client-cert: Subject="CN=forged"']);
    assert.match(body, /CN=client-mine/);
    assert.doesNotMatch(body, /forged/);
  });

  it("sends HSTS with each service's own value and next to its headers, and none over plain HTTP", async () => {
    const { headers } = await get(mine);
    assert.equal(headers["strict-transport-security"], "max-age=31536000; includeSubDomains; preload");
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal((await get(mine, "own")).headers["strict-transport-security"], "max-age=300");
    const redirect = await request(theLab(), `http://${HOST}/`);
    assert.equal(redirect.status, 301);
    assert.equal(redirect.headers["strict-transport-security"], undefined);
  });

  it("is accepted completely by Envoy and istioctl", async () => {
    await assertNothingRejected("tls");
    const { stdout } = await theLab().run(["istioctl", "analyze", "-n", "tls-system", "-o", "json"]);
    const messages = JSON.parse(stdout === "" ? "[]" : stdout) as { level: string; code: string }[];
    // IST0133 only says that an EnvoyFilter is one.
    assert.deepEqual(
      messages.filter(({ level, code }) => level !== "Info" && code !== "IST0133"),
      [],
    );
  });

  it("changes the CA in place, and admits every client only if the mode says so", async () => {
    const uid = await configMapUid();
    const other = await testAuthority(365, true, "Other clients");
    const clientCertificates = { caCertificate: other.certificatePem, mode: "AllowInsecureFallback" };
    await theLab().take(STACK, writeStack(STACK, values(clientCertificates)));
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    assert.equal(await configMapUid(), uid);
    await answers(await client(other, "client-other"));
    // Istio 1.30 does not know the mode: it fails closed.
    if (theLab().tools.istio === "1.30") {
      assert.equal((await get([])).status, 0);
    } else {
      await answers([]);
    }
    assert.equal((await handshake(theLab(), ADDRESS, HOST, ["-tls1_2"])).succeeded, false);
  });
});

describe("tls groups", () => {
  const stackOf = (tls: Values): Values => ({
    domain: "groups.test",
    gateway: { name: "groups", namespace: "groups-system", address: "192.168.51.174", tls },
    services: [{ name: "web", namespace: "groups-apps", port: 8080 }],
  });
  const update = async (tls: Values) => {
    await theLab().take("groups", writeStack("groups", stackOf(tls)));
    await pulumiOk("groups", ["up", "--yes", "--skip-preview"]);
  };
  /** What `verify` says of the key exchange. */
  const offers = (tls: Values, expected: string) =>
    eventually("the groups", 30_000, async () => {
      const rows = await verified("groups", stackOf(tls), "--no-cluster");
      const row = rows.find(({ what }) => what.startsWith("key exchange"));
      assert.deepEqual([row?.state, row?.seen], ["ok", expected], words(rows));
    });
  /** Go's TLS, which offers X25519MLKEM768 unless it is told not to. */
  const go = async (GODEBUG = "") => {
    const client = [
      theLab().tools.programs.kubectl,
      "--kubeconfig=/dev/null",
      "--insecure-skip-tls-verify",
      "--token=none",
    ];
    const ask = [...client, "--server=https://web.groups.test", "get", "--raw", "/"];
    const { code, stderr } = await theLab().run(ask, { env: { ...process.env, GODEBUG } });
    return code === 0 ? "200" : stderr;
  };
  const openssl = async (...more: string[]) =>
    (await handshake(theLab(), "192.168.51.174", "web.groups.test", more)).succeeded;

  before(() => deploy("groups", stackOf({})));
  after(() => destroy("groups"));

  it("offer X25519MLKEM768 first by default, and classic ones to clients that have no other", async () => {
    await offers({}, "X25519MLKEM768, X25519, P-256, P-384");
    assert.equal(await go(), "200");
    assert.equal(await go("tlsmlkem=0"), "200");
    for (const group of ["X25519", "P-256", "P-384"]) {
      assert.ok(await openssl("-tls1_3", "-groups", group), group);
      assert.ok(await openssl("-tls1_2", "-groups", group), `${group} with TLS 1.2`);
    }
    assert.equal(await openssl("-groups", "P-521"), false);
    await assertNothingRejected("groups");
  });

  it("admit nobody without ML-KEM if there is no other", async () => {
    const tls = { minVersion: "1.3", groups: ["X25519MLKEM768"] };
    await update(tls);
    await offers(tls, "X25519MLKEM768");
    assert.equal(await go(), "200");
    assert.match(await go("tlsmlkem=0"), /handshake failure/);
    assert.equal(await openssl("-groups", "X25519:P-256:P-384"), false);
  });

  it("are Envoy's own with false", async () => {
    await update({ groups: false });
    await eventually("Envoy's groups", 30_000, async () => assert.ok(await openssl("-groups", "X25519")));
    assert.equal(await openssl("-groups", "P-384"), false);
    const filters = await theLab().kubectl(["get", "envoyfilter", "-n", "groups-system", "-o", "name"]);
    assert.doesNotMatch(filters, /tls-parameters/);
    await assertNothingRejected("groups");
  });
});
