import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../../lab/paths";
import { request } from "../../lab/probe";
import { eventually, output } from "../../lab/processes";
import { prepare, theLab } from "./support/lab";

const EXAMPLE = join(REPOSITORY, "examples", "another-program");
/** What the example expects to find in the cluster: the lab takes it from a stack's file. */
const EXPECTED = {
  domain: "team.example.com",
  gateway: { name: "team-gateway", namespace: "team", address: "192.168.51.250" },
  services: [{ name: "shop", namespace: "team", port: 8080 }],
};

describe("examples", function () {
  this.timeout(300_000);
  let folder: string;
  let program: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "example-"));
    program = join(folder, "program");
  });
  after(() => rmSync(folder, { recursive: true }));

  const pulumi = (...command: string[]) =>
    theLab().output(["pulumi", "-C", program, ...command, "--non-interactive", "--stack", "example"]);

  it("is compiled against the package as npm packs it", async () => {
    await output("npm", ["run", "build"], { cwd: REPOSITORY });
    const pack = ["pack", "./dist", "--silent", "--pack-destination", folder];
    const name = (await output("npm", pack, { cwd: REPOSITORY })).trim();
    cpSync(EXAMPLE, program, { recursive: true });
    const modules = join(program, "node_modules");
    const packed = join(modules, "istio-unified-gateway");
    mkdirSync(packed, { recursive: true });
    await output("tar", ["-xzf", join(folder, name), "-C", packed, "--strip-components=1"]);
    // What npm would install beside it.
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
    await output(process.execPath, [join(REPOSITORY, "node_modules", "typescript", "bin", "tsc"), "-p", program]);
  });

  it("makes a gateway beside its own objects, which serves", async () => {
    await prepare("example", EXPECTED);
    await pulumi("stack", "init");
    try {
      await pulumi("up", "--yes", "--skip-preview");
      const endpoints = JSON.parse(await pulumi("stack", "output", "endpoints", "--json")) as unknown;
      assert.deepEqual(endpoints, { shop: "https://shop.team.example.com" });
      const url = ["get", "configmap", "shop-url", "-n", "team", "-o", "jsonpath={.data.url}"];
      assert.equal(await theLab().kubectl(url), "https://shop.team.example.com");
      await eventually("the route", 30_000, async () => {
        const { status, headers } = await request(theLab(), "https://shop.team.example.com/");
        assert.equal(status, 200);
        assert.equal(headers["x-backend"], "shop");
      });
    } finally {
      await pulumi("destroy", "--yes", "--skip-preview");
    }
  });
});
