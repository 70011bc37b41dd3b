import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { eventually } from "../../lab/processes";
import { request } from "../../lab/probe";
import { labPath } from "../../lab/state";
import { ensureOptional } from "../../lab/tools";
import { deploy, destroy, pulumiOk, theLab, writeStack, type Values } from "../e2e/support/lab";

const STACK = "sslyze";
const HOST = "web.sslyze.test";
/** Longest installation of the package, and longest scan. Unit: milliseconds. */
const INSTALL_MS = 5 * 60_000;
const SCAN_MS = 120_000;

const values = (gateway: Values, certificate: Values = {}): Values => ({
  domain: "sslyze.test",
  gateway: { name: STACK, namespace: "sslyze-system", address: "192.168.51.173", ...gateway },
  certificate: { type: "self-signed", ...certificate },
  services: [{ name: "web", namespace: "sslyze-apps", port: 8080 }],
});

interface Curves {
  supported_curves: { name: string }[];
}

describe("sslyze", function () {
  this.timeout(SCAN_MS);
  let python: string;

  before(async function () {
    this.timeout(INSTALL_MS);
    python = await ensureOptional("sslyze");
    await deploy(STACK, values({}));
  });
  after(() => destroy(STACK));

  /** Where the gateway deviates from one of Mozilla's profiles (5.7, which has no ML-KEM), and the curves that sslyze found. */
  async function compared(profile: string): Promise<{ deviations: string[]; curves: string[] }> {
    const report = labPath("sslyze.json");
    const scan = [`--mozilla_config=${profile}`, `--json_out=${report}`, `${HOST}:443`];
    const { stdout } = await theLab().run([python, "-m", "sslyze", ...scan]);
    const { server_scan_results: results } = JSON.parse(readFileSync(report, "utf8")) as {
      server_scan_results: { scan_result: { elliptic_curves: { result: Curves } } }[];
    };
    const curves = results.flatMap(({ scan_result }) => scan_result.elliptic_curves.result.supported_curves);
    const [, said] = /Not compliant\.([\s\S]*)/.exec(stdout) ?? [];
    assert.ok(said, stdout);
    const deviations = [...said.matchAll(/^ +\* (\S+): /gm)].map(([, name = ""]) => name);
    return { deviations, curves: curves.map(({ name }) => name).sort() };
  }

  /** Nobody trusts a certificate that the program signed itself; there is nothing else. */
  const OWN = { deviations: ["certificate_path_validation"], curves: ["X25519", "secp256r1", "secp384r1"] };
  const answers = () =>
    eventually("the gateway", 30_000, async () => {
      assert.equal((await request(theLab(), `https://${HOST}/`)).status, 200);
    });

  it("has nothing against the defaults by Mozilla's intermediate profile, but that they are self-signed", async () => {
    await answers();
    assert.deepEqual(await compared("intermediate"), OWN);
  });

  it("has nothing against TLS 1.3 with an ECDSA key by the modern one, but that it is self-signed", async () => {
    const modern = values({ tls: { minVersion: "1.3" } }, { keyAlgorithm: "ecdsa-p256", validity: "90d" });
    await theLab().take(STACK, writeStack(STACK, modern));
    await pulumiOk(STACK, ["up", "--yes", "--skip-preview"]);
    await eventually("the end of TLS 1.2", 30_000, async () => {
      assert.equal((await request(theLab(), `https://${HOST}/`, { curl: ["--tls-max", "1.2"] })).status, 0);
      await answers();
    });
    assert.deepEqual(await compared("modern"), OWN);
  });
});
