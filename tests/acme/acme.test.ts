import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { logOf } from "../../lab/controlPlane";
import { eventually } from "../../lab/processes";
import { handshake, request } from "../../lab/probe";
import { destroy, prepare, pulumiOk, theLab, type Values, writeStack } from "../e2e/support/lab";
import { FIRST_BUILD_MS, PROFILES, startAcme, UPDATE_KEY, type Acme } from "./support/acme";
import { apply, certificate, dnsIssuer, httpIssuer, issued, renew, type Wanted } from "./support/objects";

/** cert-manager waits a minute until a TXT record has spread, and no setting changes that; wildcard and apex have one name. */
const BY_DNS_MS = 240_000;
/** cert-manager asks each host five times itself, two seconds apart. */
const BY_HTTP_MS = 90_000;

const SECRET = "issued-tls";

interface Entry {
  readonly stack: string;
  readonly domain: string;
  readonly namespace: string;
  readonly address: string;
}
const DNS: Entry = {
  stack: "acme-dns",
  domain: "by-dns.test",
  namespace: "acme-dns-system",
  address: "192.168.51.127",
};
const HTTP: Entry = {
  stack: "acme-http",
  domain: "by-http.test",
  namespace: "acme-http-system",
  address: "192.168.51.128",
};

const values = ({ stack, domain, namespace, address }: Entry, certificate: Values): Values => ({
  domain,
  gateway: { name: stack, namespace, address },
  certificate: { type: "cert-manager", secretName: SECRET, issuerKind: "Issuer", ...certificate },
  services: ["web", "other"].map((name) => ({ name, namespace: "acme-apps", port: 8080 })),
});

const up = (stack: string) => pulumiOk(stack, ["up", "--yes", "--skip-preview"]);

async function remove({ stack, namespace }: Entry): Promise<void> {
  await destroy(stack);
  // Accounts of a server that ends with this suite.
  await theLab().kubectl(["delete", "certificates,issuers,secrets", "--all", "-n", namespace]);
}

/** What the program asks for: the Certificate is called as its Secret. */
const asked = ({ namespace }: Entry, issuer: string, ...dnsNames: string[]): Wanted => ({
  name: SECRET,
  secretName: SECRET,
  namespace,
  issuer,
  dnsNames,
});

const secretUid = ({ namespace }: Entry) =>
  theLab().kubectl(["get", "secret", SECRET, "-n", namespace, "-o", "jsonpath={.metadata.uid}"]);

describe("certificates by ACME", function () {
  this.timeout(300_000);
  let acme: Acme;

  /** Serial number of the certificate that a host serves, once it is another one that clients accept. */
  const served = ({ address }: Entry, host: string, before = "") =>
    eventually(`a new certificate for ${host}`, 20_000, async () => {
      const { verification, serial } = await handshake(theLab(), address, host, ["-CAfile", acme.rootFile]);
      assert.equal(verification, "OK");
      assert.notEqual(serial, before);
      return serial;
    });

  before(async function () {
    this.timeout(FIRST_BUILD_MS);
    acme = await startAcme({ [DNS.domain]: DNS.address, [HTTP.domain]: HTTP.address });
  });
  after(() => acme.stop());

  describe("over DNS-01", () => {
    const host = `web.${DNS.domain}`;
    const wildcard = asked(DNS, "dns", `*.${DNS.domain}`, DNS.domain);
    let first: string;

    before(() => prepare(DNS.stack, values(DNS, { issuer: "dns" })));
    after(() => remove(DNS));

    it("is refused by the DNS server if the update has another key's signature", async () => {
      const another = { ...UPDATE_KEY, secret: Buffer.from("another key").toString("base64") };
      const forged = { ...wildcard, name: "forged", issuer: "forged", secretName: "forged-tls", dnsNames: [host] };
      await apply(...dnsIssuer(acme, "forged", DNS.namespace, another), certificate(forged));
      await eventually("the refusal", 30_000, async () => {
        const reason = "jsonpath={.items[*].status.reason}";
        const said = await theLab().kubectl(["get", "challenges", "-n", DNS.namespace, "-o", reason]);
        assert.match(said, /DNS update failed\. Server replied: NOTAUTH/);
      });
      assert.doesNotMatch(readFileSync(logOf("nameserver"), "utf8"), /add _acme-challenge/);
      // Else cert-manager could not clean up, and would keep the challenge.
      await apply(...dnsIssuer(acme, "forged", DNS.namespace));
      await theLab().kubectl(["delete", "certificate", forged.name, "-n", DNS.namespace]);
    });

    it("issues the wildcard and the apex, for a gateway that has none yet", async () => {
      await apply(...dnsIssuer(acme, "dns", DNS.namespace));
      await up(DNS.stack);
      await issued(wildcard, 1, BY_DNS_MS);
      first = await served(DNS, host);
    });

    it("renews it in place", async () => {
      const uid = await secretUid(DNS);
      await renew(wildcard);
      await issued(wildcard, 2, BY_DNS_MS);
      await served(DNS, host, first);
      assert.equal(await secretUid(DNS), uid, "a new Secret leaves the listener without its certificate for a while");
    });
  });

  describe("over HTTP-01", () => {
    const gateway = { name: HTTP.stack, namespace: HTTP.namespace };
    const listed = `web.${HTTP.domain}`;
    const other = `other.${HTTP.domain}`;
    /** No service has it, so only the redirect's wildcard does. */
    const unlisted = `nobody.${HTTP.domain}`;
    const hosts = asked(HTTP, "http", listed, other);
    const take = (issuer: string) =>
      theLab().take(HTTP.stack, writeStack(HTTP.stack, values(HTTP, { issuer, names: "hosts" })));
    let last: string;

    /** What a path of a host answers over plain HTTP. */
    const answer = async (host: string) => {
      const curl = ["--resolve", `${host}:80:${HTTP.address}`];
      const { status, headers } = await request(theLab(), `http://${host}/path?a=b`, { curl });
      return `${status} ${headers.location ?? ""}`.trim();
    };
    const redirected = (host: string) => `301 https://${host}/path?a=b`;

    /** All different answers that such a path gives during a change. */
    const answersDuring = async (change: () => Promise<unknown>, host: string): Promise<string[]> => {
      const update = { done: false };
      const end = change().finally(() => (update.done = true));
      const seen = new Set<string>();
      while (!update.done) {
        seen.add(await answer(host));
      }
      await end;
      return [...seen];
    };

    before(async () => {
      await prepare(HTTP.stack, values(HTTP, { issuer: "http", names: "hosts" }));
      await apply(httpIssuer(acme, "http", gateway), httpIssuer(acme, "short", gateway, "short"));
    });
    after(() => remove(HTTP));

    it("issues it for a gateway that has none yet", async () => {
      await up(HTTP.stack);
      await issued(hosts, 1, BY_HTTP_MS);
      last = await served(HTTP, listed);
      for (const host of [listed, other, unlisted]) {
        await eventually("the redirect", 30_000, async () => assert.equal(await answer(host), redirected(host)));
      }
    });

    it("renews it in place, and redirects other paths of its hosts meanwhile", async () => {
      const uid = await secretUid(HTTP);
      const issueAgain = async () => {
        await renew(hosts);
        await issued(hosts, 2, BY_HTTP_MS);
      };
      assert.deepEqual(await answersDuring(issueAgain, listed), [redirected(listed)]);
      last = await served(HTTP, listed, last);
      assert.equal(await secretUid(HTTP), uid);
    });

    it("would answer them with 404, if the redirect had only the wildcard", async () => {
      const byHand = { ...hosts, name: "by-hand", secretName: "by-hand-tls", dnsNames: [unlisted] };
      const issue = async () => {
        await apply(certificate(byHand));
        await issued(byHand, 1, BY_HTTP_MS);
      };
      // Envoy takes the solver's virtual host for the whole host, and it has one path.
      const seen = await answersDuring(issue, unlisted);
      assert.ok(seen.includes("404"), seen.join());
      await eventually("the redirect", 5_000, async () => assert.equal(await answer(unlisted), redirected(unlisted)));
    });

    it("renews a short-lived one by itself, before it ends", async () => {
      await take("short");
      await up(HTTP.stack);
      const { notAfter = "" } = await issued(hosts, 3, BY_HTTP_MS);
      last = await served(HTTP, listed, last);
      const { notBefore = "" } = await issued(hosts, 4, PROFILES.short * 1000);
      await served(HTTP, listed, last);
      assert.ok(Date.parse(notBefore) < Date.parse(notAfter), `${notBefore} ${notAfter}`);
    });
  });
});
