import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { handshake, request, stackOutputs, trustFile } from "../../lab/probe";
import { REPOSITORY } from "../../lab/paths";
import { eventually } from "../../lab/processes";
import type { Row } from "../../verify/row";
import { destroy, prepare, pulumi, pulumiOk, theLab, writeStack, type Values } from "../e2e/support/lab";
import { loadDuring } from "../e2e/support/load";
import { UP } from "./support/repair";

const STACK = "clock";
const HOST = "web.clock.test";
const ADDRESS = "192.168.51.218";
const VALUES: Values = {
  domain: "clock.test",
  gateway: { name: STACK, namespace: "clock-system", address: ADDRESS },
  certificate: { type: "self-signed", validity: "2d" },
  services: [{ name: "web", namespace: "clock-apps", port: 8080 }],
};

/** How far the first update's clock is behind. Unit: milliseconds. */
const AGO_MS = 2.5 * 86_400_000;

/**
 * A clock jump past the certificate's end, in reverse: a test cannot set the machine's clock, so the first update runs with
 * a clock that is two and a half days slow. Only that update's Node.js processes, the program and the lab's stand-in for the
 * provider tls, see the wrong time, through a replaced Date. After that everything is real: the two-day certificate expired
 * half a day ago, for Envoy, for clients, for `verify` and for the next update.
 */
const SLOW_CLOCK = `
const RealDate = Date;
const now = () => RealDate.now() - ${AGO_MS};
globalThis.Date = class extends RealDate {
  constructor(...args) { super(...(args.length === 0 ? [now()] : args)); }
  static now() { return now(); }
};
`;

describe("clock", () => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-clock-"));
  after(async () => {
    rmSync(folder, { recursive: true });
    await destroy(STACK);
  });

  const served = async (caFile: string) => {
    const { verification, serial } = await handshake(theLab(), ADDRESS, HOST, ["-CAfile", caFile]);
    return { verification, serial, exitCode: (await request(theLab(), `https://${HOST}/`, { caFile })).exitCode };
  };
  const trusted = async () => trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
  const dateRow = async (): Promise<Row | undefined> => {
    const main = join(REPOSITORY, "verify", "main.ts");
    const options = ["--stack", STACK, "--config-file", writeStack(STACK, VALUES), "--ca", await trusted(), "--json"];
    const command = [process.execPath, "-r", "ts-node/register/transpile-only", main, ...options];
    const { stdout } = await theLab().run(command, { cwd: REPOSITORY });
    const { rows } = JSON.parse(stdout) as { rows: Row[] };
    return rows.find(({ what }) => what === "*.clock.test: the certificate is within its dates");
  };
  let ended = "";

  it("past the certificate's end: clients reject it, and verify says why", async () => {
    await prepare(STACK, VALUES);
    const clock = join(folder, "clock.cjs");
    writeFileSync(clock, SLOW_CLOCK);
    const { code, stdout, stderr } = await pulumi(STACK, UP, { NODE_OPTIONS: `--require=${clock}` });
    assert.equal(code, 0, stdout + stderr);
    const caFile = await trusted();
    await eventually("the route", 60_000, async () =>
      assert.equal((await request(theLab(), `https://${HOST}/`)).status, 200),
    );
    const seen = await served(caFile);
    assert.match(seen.verification, /certificate has expired/);
    // 60: curl rejects the certificate.
    assert.equal(seen.exitCode, 60);
    ended = seen.serial;
    const row = await dateRow();
    assert.deepEqual([row?.state, row?.cause], ["failed", "the certificate has expired"]);
    assert.match(row?.seen ?? "", /, -1 days left$/);
  });

  it("a preview shows the renewal", async () => {
    const { code, stdout } = await pulumi(STACK, ["preview", "--expect-no-changes"]);
    assert.notEqual(code, 0);
    assert.match(stdout, /tls:index:SelfSignedCert gateway-certificate replace/);
    assert.doesNotMatch(stdout, /PrivateKey/);
  });

  it("the next update renews it, without a failed handshake", async () => {
    const { sent, answered } = await loadDuring(pulumiOk(STACK, UP), HOST, 2000);
    assert.equal(answered, sent);
    const caFile = await trusted();
    await eventually("the new certificate", 60_000, async () => {
      const { verification, serial, exitCode } = await served(caFile);
      assert.deepEqual([verification, exitCode], ["OK", 0]);
      assert.notEqual(serial, ended);
    });
    assert.equal((await pulumi(STACK, [...UP, "--expect-no-changes"])).code, 0);
  });
});
