import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { eventually } from "../../lab/processes";
import { handshake, request, type Answer } from "../../lab/probe";
import { labPath } from "../../lab/state";
import { signedBy, testAuthority, type TestAuthority } from "../support/certificates";
import { deploy, destroy, pulumiOk, theLab, writeStack, type Values } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

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
