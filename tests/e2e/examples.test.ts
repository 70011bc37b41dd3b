import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { REPOSITORY } from "../../lab/paths";
import { request, type RequestOptions } from "../../lab/probe";
import { eventually, output } from "../../lab/processes";
import { signedBy, testAuthority } from "../support/certificates";
import { EXAMPLES } from "../support/examples";
import { prepare, theLab } from "./support/lab";

/** What the examples expect in the cluster, as stacks' files for the lab. */
const WHOLE = {
  domain: "team.example.com",
  gateway: { name: "team-gateway", namespace: "team", address: "192.168.51.250" },
  services: [{ name: "shop", namespace: "team", port: 8080 }],
};
const PARTS = {
  domain: "team.example.com",
  gateway: {
    name: "internal-gateway",
    namespace: "internal",
    address: "192.168.51.251",
    clientAddress: { trustedProxies: 0 },
  },
  services: [
    { name: "wiki", namespace: "tools", port: 8080 },
    { name: "postgres", namespace: "tools", protocol: "tcp", listenPort: 5432, port: 5432 },
  ],
};

describe("examples", function () {
  this.timeout(600_000);
  let folder: string;
  const deployed: string[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "examples-"));
  });
  after(async () => {
    try {
      for (const example of deployed.reverse()) {
        await pulumi(example, "destroy", "--yes", "--skip-preview", "--remove");
      }
      await theLab().kubectl(["delete", "secret", "company-ca", "-n", "internal", "--ignore-not-found"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const program = (example: string) => join(folder, "programs", example);
  const pulumi = (example: string, ...command: string[]) =>
    theLab().output(["pulumi", "-C", program(example), ...command, "--non-interactive", "--stack", "example"]);

  async function deploy(example: string, config: Readonly<Record<string, string>> = {}): Promise<void> {
    await pulumi(example, "stack", "init");
    for (const [key, value] of Object.entries(config)) {
      await pulumi(example, "config", "set", key, value);
    }
    deployed.push(example);
    await pulumi(example, "up", "--yes", "--skip-preview");
  }

  it("compile against the package as npm packs it", async () => {
    await output("npm", ["run", "build"], { cwd: REPOSITORY });
    const pack = ["pack", "./dist", "--silent", "--pack-destination", folder];
    const name = (await output("npm", pack, { cwd: REPOSITORY })).trim();
    const packed = join(folder, "programs", "node_modules", "istio-unified-gateway");
    mkdirSync(packed, { recursive: true });
    await output("tar", ["-xzf", join(folder, name), "-C", packed, "--strip-components=1"]);
    // What npm would install next to it.
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
    for (const example of EXAMPLES) {
      cpSync(join(REPOSITORY, "examples", example), program(example), { recursive: true });
    }
    // All at once, with the options of the first: the compiler reads Pulumi's types only once.
    const project = join(folder, "programs", "tsconfig.json");
    const files = EXAMPLES.map((example) => `${example}/index.ts`);
    writeFileSync(project, JSON.stringify({ extends: `./${EXAMPLES[0] ?? ""}/tsconfig.json`, files }));
    await output(process.execPath, [join(REPOSITORY, "node_modules", "typescript", "bin", "tsc"), "-p", project]);
  });

  it("another-program creates a working gateway next to its own objects", async () => {
    await prepare("example", WHOLE);
    await deploy("another-program");
    const endpoints = JSON.parse(await pulumi("another-program", "stack", "output", "endpoints", "--json")) as unknown;
    assert.deepEqual(endpoints, { shop: "https://shop.team.example.com" });
    const url = ["get", "configmap", "shop-url", "-n", "team", "-o", "jsonpath={.data.url}"];
    assert.equal(await theLab().kubectl(url), "https://shop.team.example.com");
    await eventually("the route", 30_000, async () => {
      const { status, headers } = await request(theLab(), "https://shop.team.example.com/");
      assert.equal(status, 200);
      assert.equal(headers["x-backend"], "shop");
    });
  });

  it("parts creates a gateway with that stack's domain, and with the CA of a Secret", async () => {
    await prepare("example-parts", PARTS);
    const authority = await testAuthority(365);
    const file = (name: string, text: string) => {
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const caFile = file("ca.crt", authority.certificatePem);
    const pair = [`--cert=${caFile}`, `--key=${file("ca.key", authority.privateKeyPem)}`];
    await theLab().kubectl(["create", "secret", "tls", "company-ca", "-n", "internal", ...pair]);
    await deploy("parts", { platform: "organization/team-platform/example" });

    const client = await signedBy(authority, { commonName: "client", uses: ["client_auth"] });
    const curl = ["--cert", file("client.pem", client.certificatePem + client.privateKeyPem)];
    const get = (options: RequestOptions) => request(theLab(), "https://wiki.team.example.com/", options);
    await eventually("the route", 30_000, async () => {
      const { status, headers } = await get({ from: CLIENT_INSIDE, caFile, curl });
      assert.equal(status, 200);
      assert.equal(headers["x-backend"], "wiki");
    });
    assert.equal((await get({ from: CLIENT_OUTSIDE, caFile, curl })).status, 403);
    assert.equal((await get({ from: CLIENT_INSIDE, caFile })).status, 0);
    const { status, headers } = await request(theLab(), "http://wiki.team.example.com/a?b");
    assert.deepEqual([status, headers.location], [301, "https://wiki.team.example.com/a?b"]);

    const { privateKeyPem } = authority;
    const state = await pulumi("parts", "stack", "export");
    assert.ok(!state.includes("PRIVATE KEY") && !state.includes(Buffer.from(privateKeyPem).toString("base64")));
    assert.doesNotMatch(await pulumi("parts", "stack", "output", "certificates"), /\[secret\]/);
  });
});
