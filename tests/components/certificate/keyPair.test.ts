import assert from "node:assert/strict";
import { keyPairProblems, renewal, servedChain } from "../../../components/certificate/keyPair";
import { selfSigned, signedBy, testAuthority, type TestCertificate } from "../../support/certificates";

const NAMES = ["*.example.test", "example.test"];
const DAY_MS = 86_400_000;

describe("components/leaf", () => {
  const leaf = (dnsNames: readonly string[] = NAMES) => selfSigned({ commonName: "leaf", dnsNames, validDays: 90 });
  const pair = ({ certificatePem, privateKeyPem }: TestCertificate, authorityPem = "") => ({
    leafPem: certificatePem,
    authorityPem,
    privateKeyPem,
    dnsNames: ["*.example.test", "example.test"],
  });

  it("accepts a pair that can be served", async () => {
    assert.deepEqual(keyPairProblems(pair(await leaf())), []);
    const authority = await testAuthority(365);
    const signed = await signedBy(authority, { commonName: "leaf", dnsNames: NAMES });
    assert.deepEqual(keyPairProblems(pair(signed, authority.certificatePem)), []);
  });

  it("detects a key of another certificate, and reveals nothing of it", async () => {
    const { certificatePem } = await leaf();
    const { privateKeyPem } = await leaf();
    const problems = keyPairProblems(pair({ certificatePem, privateKeyPem }));
    assert.deepEqual(problems, ["the private key belongs to another certificate"]);
  });

  it("detects a missing name, be it the apex or the wildcard", async () => {
    assert.deepEqual(keyPairProblems(pair(await leaf(["*.example.test"]))), ["it does not cover example.test"]);
    assert.deepEqual(keyPairProblems(pair(await leaf(["example.test", "*.other.test"]))), [
      "it does not cover *.example.test",
    ]);
  });

  it("detects dates that clients would reject, and tolerates a little clock skew", async () => {
    const given = pair(await leaf());
    const [late = ""] = keyPairProblems(given, Date.now() + 91 * DAY_MS);
    assert.match(late, /^it expired on /);
    const [early = ""] = keyPairProblems(given, Date.now() - DAY_MS);
    assert.match(early, /^it is not valid before /);
    assert.deepEqual(keyPairProblems(given, Date.now() - 60_000), []);
  });

  it("detects a CA that did not sign it", async () => {
    const signed = await signedBy(await testAuthority(365), { commonName: "leaf", dnsNames: NAMES });
    const { certificatePem } = await testAuthority(365);
    assert.deepEqual(keyPairProblems(pair(signed, certificatePem)), [
      "a certificate in its chain is not signed by the next one",
    ]);
  });

  it("serves each certificate once, and no root", async () => {
    const root = await testAuthority(365, true, "Root");
    const issuing = await signedBy(root, { commonName: "Issuing", isCa: true });
    const { certificatePem } = await signedBy(issuing, { commonName: "leaf", dnsNames: NAMES });
    const above = issuing.certificatePem + root.certificatePem;
    assert.equal(servedChain(certificatePem, above), certificatePem + issuing.certificatePem);
    assert.equal(servedChain(certificatePem, issuing.certificatePem + above), certificatePem + issuing.certificatePem);
    assert.equal(servedChain(certificatePem, ""), certificatePem);
  });
});

describe("components/leaf: renewal", () => {
  const end = "2026-04-01T12:00:00Z";
  const at = (time: string) => renewal("Apr  1 12:00:00 2026 GMT", "30d", Date.parse(time));

  it("is due the configured time before expiry", () => {
    assert.deepEqual(at("2026-03-02T11:59:59Z"), { notAfter: end, renewalTime: "2026-03-02T12:00:00Z" });
  });

  it("warns from then on, and more urgently after expiry", () => {
    assert.equal(
      at("2026-03-02T12:00:00Z").warning,
      "it has been due for renewal since 2026-03-02T12:00:00Z and expires on 2026-04-01T12:00:00Z: run pulumi up",
    );
    assert.equal(at(end).warning, "it expired on 2026-04-01T12:00:00Z, so clients reject it: run pulumi up");
  });
});
