import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { REPOSITORY } from "../../lab/paths";
import { handshake, request, stackOutputs } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { loadStackFile } from "../../config/load/stackFile";
import {
  revocationList,
  signedBy,
  type TestAuthority,
  testAuthority,
  type TestCertificate,
} from "../support/certificates";
import type { OneConnectionArgs } from "./clients/oneConnection";
import { deploy, destroy, prepare, pulumiOk, theLab, type Values, writeStack } from "./support/lab";
import { verified, words } from "./support/verified";
import { startSteady } from "./support/steady";
import { stackCopy } from "../../lab/stacks";
import { labPath } from "../../lab/state";

const STACK = "hosts";
const ADDRESS = "192.168.51.118";

const values = (authority: TestAuthority): Values => ({
  domains: [
    "one.hosts.test",
    { domain: "two.test", certificate: { type: "ca-signed", caCertificate: authority.certificatePem } },
    { domain: "three.test", certificate: { type: "existing", secretName: "three-tls" } },
  ],
  certificate: { type: "self-signed", keyAlgorithm: ["ecdsa-p256", "rsa-2048"] },
  gateway: {
    name: "hosts",
    namespace: "hosts-system",
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
    hsts: { maxAge: "1h" },
  },
  services: [
    {
      name: "web",
      namespace: "apps",
      port: 8080,
      hosts: [
        "www.one.hosts.test",
        { host: "one.hosts.test", redirect: 308 },
        "two.test",
        { host: "www.two.test", redirect: 301 },
        "web.three.test",
      ],
    },
    {
      name: "guarded",
      namespace: "guarded",
      port: 8080,
      hosts: ["guarded.one.hosts.test", "guarded.two.test"],
      access: { allow: [`${CLIENT_INSIDE}/32`] },
      rateLimit: { type: "local", requests: 3, per: "hour" },
    },
    {
      name: "deep",
      namespace: "apps",
      port: 8080,
      host: "a.b.one.hosts.test",
      certificate: { type: "existing", secretName: "deep-tls" },
    },
    { name: "rest", namespace: "apps", port: 8080, host: "*.three.test" },
    {
      name: "admin",
      namespace: "apps",
      port: 8080,
      host: ASKING,
      clientCertificates: { caCertificate: authority.certificatePem },
    },
    { name: "passed", namespace: "apps", port: 8443, protocol: "tls-passthrough", host: PASSED },
    { name: "sql", namespace: "apps", port: 8080, protocol: "tcp", listenPort: SQL_PORT },
    {
      name: "other",
      namespace: "apps",
      port: 8080,
      listenPort: OTHER_PORT,
      hosts: ["other.one.hosts.test", "www.two.test"],
      access: { deny: [`${CLIENT_OUTSIDE}/32`] },
    },
    {
      name: "plain",
      namespace: "apps",
      port: 8080,
      host: PLAIN,
      plainHttp: true,
      hsts: false,
      access: { allow: [`${CLIENT_INSIDE}/32`] },
    },
  ],
});

const ASKING = "admin.two.test";
const PASSED = "passed.one.hosts.test";
const PLAIN = "plain.two.test";
const SQL_PORT = 5434;
const OTHER_PORT = 8443;
/** A certificate that ASKING takes. */
const IDENTITY = labPath("hosts-client.pem");

/** Hosts by the listener that takes them: only those of one listener may share a connection. */
const LISTENERS = [
  ["www.one.hosts.test", "guarded.one.hosts.test"],
  ["one.hosts.test"],
  ["www.two.test", "guarded.two.test", PLAIN],
  ["two.test"],
  ["web.three.test", "other.three.test"],
  ["a.b.one.hosts.test"],
] as const;
const HOSTS = LISTENERS.flat();

const get = (url: string, from = CLIENT_INSIDE, ...curl: string[]) => {
  const { hostname, port, protocol } = new URL(url);
  const to = `${hostname}:${port || (protocol === "http:" ? 80 : 443)}:${ADDRESS}`;
  return request(theLab(), url, { from, curl: ["--resolve", to, ...curl] });
};

async function oneConnection(args: Omit<OneConnectionArgs, "address"> & { address?: string }): Promise<number[]> {
  const client = join(REPOSITORY, "tests", "e2e", "clients", "oneConnection.ts");
  const command = [process.execPath, "-r", "ts-node/register/transpile-only", client];
  const all: OneConnectionArgs = { address: ADDRESS, from: CLIENT_INSIDE, ...args };
  return JSON.parse(await theLab().output([...command, JSON.stringify(all)], { cwd: REPOSITORY })) as number[];
}

describe("hosts of several domains", () => {
  before(async () => {
    const authority = await testAuthority(365);
    const lab = theLab();
    const file = writeStack(STACK, values(authority));
    await lab.take(STACK, file);
    const path = "istio-gateway:domains[1].certificate.caPrivateKey";
    const set = ["pulumi", "config", "set", "--secret", "--path", path, "--stack", STACK, "--non-interactive"];
    await lab.output(set, { input: authority.privateKeyPem });
    await lab.prepare(STACK, stackCopy(STACK));
    const client = await signedBy(authority, { commonName: "ada", uses: ["client_auth"] });
    writeFileSync(IDENTITY, client.certificatePem + client.privateKeyPem, { mode: 0o600 });
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    await eventually("every host", 60_000, async () => {
      for (const host of HOSTS.filter((name) => !name.startsWith("guarded."))) {
        assert.match(String((await get(`https://${host}/`)).status), /^(200|301|308)$/, host);
      }
    });
  });
  after(() => destroy(STACK));

  it("are served by the same backend, under each name that serves", async () => {
    for (const host of ["www.one.hosts.test", "two.test", "web.three.test"]) {
      const { status, headers } = await get(`https://${host}/`);
      assert.deepEqual([status, headers["x-backend"]], [200, "web"], host);
      assert.equal(headers["strict-transport-security"], "max-age=3600", host);
    }
    assert.equal((await get("https://a.b.one.hosts.test/")).headers["x-backend"], "deep");
    assert.equal((await get("https://other.three.test/")).headers["x-backend"], "rest");
  });

  it("redirect to the first, with path and query, and with HSTS", async () => {
    for (const [host, status] of [
      ["one.hosts.test", 308],
      ["www.two.test", 301],
    ] as const) {
      const answer = await get(`https://${host}/a/b?c=d&e`);
      assert.equal(answer.status, status, host);
      assert.equal(answer.headers.location, "https://www.one.hosts.test/a/b?c=d&e");
      assert.equal(answer.headers["strict-transport-security"], "max-age=3600");
    }
  });

  it("are redirected from http, each to itself", async () => {
    for (const host of [...HOSTS, ASKING].filter((name) => name !== PLAIN)) {
      const { status, headers } = await get(`http://${host}/x?y=1`, CLIENT_OUTSIDE);
      assert.deepEqual([status, headers.location], [301, `https://${host}/x?y=1`], host);
    }
    const { status, headers } = await get("http://other.one.hosts.test/x");
    assert.deepEqual([status, headers.location], [301, `https://other.one.hosts.test:${OTHER_PORT}/x`]);
    assert.equal((await get("http://nobody.test/")).status, 404);
  });

  it("are served without TLS where a service asks for it, by the same rules", async () => {
    const { status, headers } = await get(`http://${PLAIN}/`);
    assert.deepEqual([status, headers["x-backend"], headers.location], [200, "plain", undefined]);
    assert.equal((await get(`https://${PLAIN}/`)).headers["x-backend"], "plain");
    for (const scheme of ["http", "https"]) {
      assert.equal((await get(`${scheme}://${PLAIN}/`, CLIENT_OUTSIDE)).status, 403, scheme);
    }
    // Its server would be told to http2 by a client without TLS, and the rules are the same.
    const h2c = await get(`http://${PLAIN}/`, CLIENT_OUTSIDE, "--http2-prior-knowledge");
    assert.equal(h2c.status, 403);
  });

  it("are served on other ports, by rules of their own, also where 443 has the same host", async () => {
    for (const host of ["other.one.hosts.test", "www.two.test"]) {
      const url = `https://${host}:${OTHER_PORT}/`;
      assert.equal((await get(url)).headers["x-backend"], "other", host);
      assert.equal((await get(url, CLIENT_OUTSIDE)).status, 403, host);
    }
    assert.equal((await get("https://www.two.test/", CLIENT_OUTSIDE)).status, 301);
    assert.equal((await get(`https://guarded.two.test:${OTHER_PORT}/`)).status, 404);
    // Browsers name the port there, and coalesce connections as ever.
    const hosts = ["other.one.hosts.test", "www.two.test"].map((host) => `${host}:${OTHER_PORT}`);
    const args = { port: OTHER_PORT, hosts, sni: "other.one.hosts.test" };
    assert.deepEqual(await oneConnection(args), [200, 421]);
  });

  it("are taken by client certificate, by server name alone, and by port, beside the others", async () => {
    assert.equal((await get(`https://${ASKING}/`)).status, 0);
    assert.equal((await get(`https://${ASKING}/`, CLIENT_INSIDE, "--cert", IDENTITY)).headers["x-backend"], "admin");
    assert.equal((await get(`https://${PASSED}/`)).headers["x-backend"], "passed");
    assert.equal((await get(`http://one.hosts.test:${SQL_PORT}/`)).headers["x-backend"], "sql");
  });

  it("refuse every pair of server name and Host that do not belong together", async () => {
    const all = [...HOSTS, ASKING, PASSED];
    for (const sni of LISTENERS.map(([first]) => first)) {
      const statuses = await oneConnection({ sni, hosts: [ASKING, PASSED] });
      assert.deepEqual(statuses, [421, 421], sni);
    }
    const overAsking = await oneConnection({ sni: ASKING, hosts: all, identity: IDENTITY });
    assert.deepEqual(
      overAsking,
      all.map((host) => (host === ASKING ? 200 : 421)),
    );
    const strangers = await oneConnection({ sni: ASKING, hosts: [ASKING, "www.one.hosts.test"] });
    assert.deepEqual(strangers, [0, 0]);
    // What the backend's own TLS carries is the backend's.
    const wrong = await get(`https://${PASSED}/`, CLIENT_INSIDE, "--header", `Host: ${ASKING}`);
    assert.equal(wrong.headers["x-backend"], "passed");
  });

  it("have the certificate of their domain, or their own", async () => {
    const names = async (host: string, ...more: string[]) => {
      const { stdout } = await theLab().run([
        ...["openssl", "s_client", "-connect", `${ADDRESS}:443`, "-servername", host, ...more],
      ]);
      const leaf = new X509Certificate(/-----BEGIN[\s\S]+?END CERTIFICATE-----/.exec(stdout)?.[0] ?? "");
      return [leaf.subjectAltName, leaf.publicKey.asymmetricKeyType];
    };
    assert.deepEqual(await names("guarded.two.test"), ["DNS:*.two.test, DNS:two.test", "rsa"]);
    assert.deepEqual(await names("a.b.one.hosts.test"), ["DNS:a.b.one.hosts.test", "rsa"]);
    assert.deepEqual(await names("x.three.test"), ["DNS:*.three.test, DNS:three.test", "rsa"]);
    const one = "DNS:*.one.hosts.test, DNS:one.hosts.test";
    assert.deepEqual(await names("one.hosts.test"), [one, "ec"]);
    const rsaOnly = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
    assert.deepEqual(await names("one.hosts.test", ...rsaOnly), [one, "rsa"]);
  });

  it("are guarded and limited alike under each name; each listener of a proxy has its own local count", async () => {
    for (const host of ["guarded.one.hosts.test", "guarded.two.test"]) {
      assert.equal((await get(`https://${host}/`, CLIENT_OUTSIDE)).status, 403, host);
      const statuses: number[] = [];
      for (let sent = 0; sent < 5; sent++) {
        statuses.push((await get(`https://${host}/`)).status);
      }
      assert.deepEqual(statuses, [200, 200, 200, 429, 429], host);
    }
  });

  it("answer over one connection if they share a listener, and with 421 otherwise, in any order", async () => {
    for (const [listener, [sni]] of LISTENERS.entries()) {
      for (const hosts of [HOSTS, [...HOSTS].reverse()]) {
        const statuses = await oneConnection({ sni, hosts });
        for (const [index, host] of hosts.entries()) {
          const isOwn = (LISTENERS[listener] as readonly string[]).includes(host);
          const expected = isOwn ? /^(200|301|308|429)$/ : /^421$/;
          assert.match(String(statuses[index]), expected, `${host} over a connection for ${sni}: ${statuses.join()}`);
        }
      }
    }
  });

  it("that nobody has are not found, and not misdirected", async () => {
    const hosts = ["nobody.one.hosts.test", "nobody.test", "www.one.hosts.test"];
    assert.deepEqual(
      await oneConnection({ sni: "www.one.hosts.test", hosts }),
      [403, 403, 200].map((status) => (status === 403 ? 404 : status)),
    );
    const stranger = await handshake(theLab(), ADDRESS, "nobody.test");
    assert.equal(stranger.succeeded, false);
  });

  it("are all in the stack's outputs, and in verify", async () => {
    const outputs = await stackOutputs(theLab(), STACK);
    const records = outputs.dnsRecords.map((line) => line.split(" ")[0]?.replace(/\.$/, ""));
    const config = loadStackFile(stackCopy(STACK));
    const all = config.services.flatMap(({ hosts }) => hosts.map(({ host }) => host));
    assert.deepEqual(records, [...new Set([...all, PASSED])].sort());
    assert.equal(outputs.endpoints.other, `https://other.one.hosts.test:${OTHER_PORT}`);
    const own = ["--from", CLIENT_INSIDE, "--address", ADDRESS, "--client-cert", IDENTITY, "--client-key", IDENTITY];
    const rows = await verified(STACK, stackCopy(STACK), ...own);
    // The limits of `guarded` are used up, and nobody told it of the CA of existing certificates.
    const checks = ["client-certificate", "redirect", "routes", "access", "headers", "streams"];
    const looked = rows.filter(({ check, what }) => checks.includes(check) && !what.includes("guarded"));
    assert.deepEqual(
      looked.filter(({ state }) => state === "failed").map(({ what, seen }) => `${what}: ${seen}`),
      [],
    );
    for (const what of [
      `http://${PLAIN} is served without TLS`,
      `https://other.one.hosts.test:${OTHER_PORT}/ answers`,
      `TCP:${SQL_PORT} accepts connections`,
      `${ASKING}: this client's certificate is accepted`,
    ]) {
      assert.ok(
        looked.some((row) => row.what === what),
        `${what} in:\n${words(rows)}`,
      );
    }
    assert.deepEqual(
      outputs.certificates.map(({ type, dnsNames }) => [type, dnsNames.join()]),
      [
        ["self-signed", "*.one.hosts.test,one.hosts.test"],
        ["self-signed", "*.one.hosts.test,one.hosts.test"],
        ["ca-signed", "*.two.test,two.test"],
        ["existing", "*.three.test,three.test"],
        ["existing", "a.b.one.hosts.test"],
      ],
    );
  });
});

describe("hosts that ask for client certificates", () => {
  const stack = "client-hosts";
  const address = "192.168.51.119";
  let authority: TestAuthority;
  let revoked: TestCertificate;
  const files: Record<string, string[]> = {};
  const admin = "admin.asking.test";
  const file = (name: string, { certificatePem, privateKeyPem }: TestCertificate) => {
    const path = labPath(`client-hosts-${name}.pem`);
    writeFileSync(path, certificatePem + privateKeyPem, { mode: 0o600 });
    files[name] = ["--cert", path];
  };
  const ask = (host: string, ...curl: string[]) =>
    request(theLab(), `https://${host}/`, {
      from: CLIENT_INSIDE,
      curl: ["--resolve", `${host}:443:${address}`, ...curl],
    });
  const asking = (crl?: string): Values => ({
    domain: "asking.test",
    gateway: { name: "asking", namespace: "asking-system", address },
    services: [
      { name: "open", namespace: "apps", port: 8080 },
      {
        name: "admin",
        namespace: "apps",
        port: 8080,
        hosts: [admin, "also.asking.test"],
        clientCertificates: { caCertificate: authority.certificatePem, ...(crl === undefined ? {} : { crl }) },
        access: { clientCertificate: { subjectAltNames: ["ada.example.test", "grace.example.test"] } },
      },
    ],
  });

  before(async () => {
    authority = await testAuthority(365, true, "Clients");
    const issue = (name: string, by = authority) =>
      signedBy(by, {
        commonName: name,
        dnsNames: [`other.${name}.test`, `${name}.example.test`],
        uses: ["client_auth"],
      });
    revoked = await issue("grace");
    file("ada", await issue("ada"));
    file("grace", revoked);
    file("eve", await issue("eve"));
    file("stranger", await issue("ada", await testAuthority(365, true, "Strangers")));
    await deploy(stack, asking());
    await eventually("the host", 60_000, async () =>
      assert.equal((await ask(admin, ...(files.ada ?? []))).status, 200),
    );
  });
  after(() => destroy(stack));

  it("take only clients with a certificate of the CA, under each of the service's hosts", async () => {
    for (const host of [admin, "also.asking.test"]) {
      assert.equal((await ask(host)).status, 0, host);
      assert.equal((await ask(host, ...(files.stranger ?? []))).status, 0, host);
      assert.equal((await ask(host, ...(files.ada ?? []))).status, 200, host);
    }
    assert.equal((await ask("open.asking.test")).status, 200, "the others ask nobody");
  });

  it("refuse names that are not listed", async () => {
    assert.equal((await ask(admin, ...(files.grace ?? []))).status, 200);
    const { status, body } = await ask(admin, ...(files.eve ?? []));
    assert.deepEqual([status, body], [403, "RBAC: access denied"]);
  });

  it("cannot be reached over a connection for another host, nor over its session", async () => {
    const hosts = [admin, "also.asking.test", "open.asking.test"];
    assert.deepEqual(await oneConnection({ address, sni: "open.asking.test", hosts }), [421, 421, 200]);
    const resume = "open.asking.test";
    assert.deepEqual(await oneConnection({ address, sni: resume, hosts: [resume], resume }), [200]);
    assert.deepEqual(await oneConnection({ address, sni: admin, hosts: [admin], resume }), [0]);
  });

  it("refuse a certificate as soon as the list says that it is revoked", async () => {
    const crl = await revocationList(authority, [revoked]);
    await theLab().take(stack, writeStack(stack, asking(crl)));
    await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
    await eventually("the list", 30_000, async () =>
      assert.equal((await ask(admin, ...(files.grace ?? []))).status, 0),
    );
    assert.equal((await ask(admin, ...(files.ada ?? []))).status, 200);
  });

  it("refuse everybody once the list has expired", async () => {
    const crl = await revocationList(authority, [revoked], 0.5);
    await theLab().take(stack, writeStack(stack, asking(crl)));
    await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
    await eventually("the list", 30_000, async () => assert.equal((await ask(admin, ...(files.ada ?? []))).status, 0));
    assert.equal((await ask("open.asking.test")).status, 200);
  });
});

describe("hosts of a domain that is added under load", () => {
  const stack = "added";
  const address = "192.168.51.130";
  const web = "web.kept.test";
  const shop = "shop.added.test";
  const first = {
    domains: ["kept.test"],
    gateway: { name: "added", namespace: "added-system", address },
    services: [{ name: "web", namespace: "apps", port: 8080 }],
  };
  const both = {
    ...first,
    domains: ["kept.test", { domain: "added.test", certificate: { type: "self-signed" } }],
    services: [...first.services, { name: "shop", namespace: "apps", port: 8080, host: shop }],
  };
  const load = (webSockets: number) =>
    startSteady({ address, host: web, perSecond: 40, atLeast: 200, atMost: 8000, maxSeconds: 150, webSockets });
  const serial = async (host: string) => (await handshake(theLab(), address, host)).serial;

  before(async () => {
    await deploy(stack, first);
    await eventually("the host", 60_000, async () => assert.notEqual(await serial(web), ""));
  });
  after(() => destroy(stack));

  it("are served, and no request of the other domain fails", async () => {
    const clients = load(0);
    await prepare(stack, both);
    await pulumiOk(stack, ["up", "--yes", "--skip-preview"]);
    await eventually("the domain", 30_000, async () => assert.notEqual(await serial(shop), ""));
    const { failures, reasons, requests } = await clients.stop();
    assert.deepEqual([failures, reasons], [0, []]);
    assert.ok(
      Object.values(requests).every((count) => count > 10),
      JSON.stringify(requests),
    );
  });

  it("get a new certificate, and no connection of the other domain ends", async () => {
    const [ofWeb, ofShop] = [await serial(web), await serial(shop)];
    const clients = load(4);
    const urns = await pulumiOk(stack, ["stack", "--show-urns"]);
    const key = /urn:\S+tls:index\/privateKey:PrivateKey::gateway-certificate-added\.test-key/.exec(urns)?.[0];
    assert.ok(key, urns);
    await pulumiOk(stack, ["up", "--yes", "--skip-preview", "--replace", key]);
    await eventually("the new certificate", 30_000, async () => assert.notEqual(await serial(shop), ofShop));
    const { failures, reasons, ends } = await clients.stop();
    assert.deepEqual([failures, reasons, ends], [0, [], []]);
    assert.equal(await serial(web), ofWeb);
  });
});

describe("a service for every other host", () => {
  const stack = "every-host";
  const address = "192.168.51.134";
  const ask = (host: string, ...curl: string[]) =>
    request(theLab(), `https://${host}/`, {
      from: CLIENT_OUTSIDE,
      curl: ["--resolve", `${host}:443:${address}`, ...curl],
    });

  before(async () => {
    await deploy(stack, {
      domain: "every.test",
      gateway: {
        name: "every",
        namespace: "every-system",
        address,
        clientAddress: { trustedProxies: 0 },
        tls: { groups: false },
      },
      services: [
        { name: "web", namespace: "apps", port: 8080, access: { allow: [`${CLIENT_INSIDE}/32`] } },
        { name: "rest", namespace: "apps", port: 8080, hosts: ["*", "*.every.test"] },
        { name: "passed", namespace: "apps", port: 8443, protocol: "tls-passthrough", host: "passed.every.test" },
      ],
    });
    await eventually("the service", 60_000, async () => assert.equal((await ask("nobody.test")).status, 200));
  });
  after(() => destroy(stack));

  it("gets what no other service has, with or without a server name, and no more", async () => {
    for (const host of ["nobody.test", "nobody.every.test", "deep.below.every.test", address]) {
      assert.equal((await ask(host)).headers["x-backend"], "rest", host);
    }
    assert.equal((await ask("web.every.test")).status, 403);
    assert.equal((await ask("passed.every.test")).headers["x-backend"], "passed");
    const { status, headers } = await request(theLab(), `http://${address}/x`, { from: CLIENT_OUTSIDE });
    assert.deepEqual([status, headers.location], [301, `https://${address}/x`]);
  });

  it("does not open a guarded host to whoever names it over another connection", async () => {
    const hosts = ["web.every.test", "nobody.test", "passed.every.test", "other.every.test"];
    const from = CLIENT_OUTSIDE;
    assert.deepEqual(await oneConnection({ address, from, sni: "nobody.test", hosts }), [421, 200, 421, 421]);
    // Who spells it otherwise gets what it connected to.
    for (const host of ["WEB.every.test", "web.every.test:443", "web.every.test."]) {
      const { headers } = await ask("nobody.test", "--header", `Host: ${host}`);
      assert.notEqual(headers["x-backend"], "web", host);
    }
  });
});
