import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { labPath } from "../../lab/state";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { deploy, destroy, theLab } from "./support/lab";

const STACK = "timeouts";
const DOMAIN = "timeouts.test";
/** Longest time of a test's request. Unit: seconds. */
const LONGEST = 100;
const SIZE = 18 * 2 ** 20;

describe("timeouts", () => {
  const service = (name: string, more: object = {}) => ({ name, namespace: "timeouts", port: 8080, ...more });
  before(async () => {
    await deploy(STACK, {
      domain: DOMAIN,
      gateway: { name: "timeouts", namespace: "timeouts-system", address: "192.168.51.135" },
      services: [
        service("web"),
        service("brief", { timeouts: { backendRequest: "2s" } }),
        service("total", { timeouts: { request: "2s" } }),
        service("quiet", { limits: { streamIdleTimeout: "2s" } }),
      ],
    });
    await eventually("the routes", 30_000, async () => {
      for (const host of ["web", "brief", "total", "quiet"]) {
        assert.equal((await request(theLab(), `https://${host}.${DOMAIN}/`)).status, 200);
      }
    });
  });
  after(() => destroy(STACK));

  /** Status, seconds, bytes of the body, and headers. */
  async function ask(host: string, query: string, ...more: string[]) {
    const written = "\\n%{http_code} %{time_total} %{size_download} %{exitcode} %header{x-received}";
    const curl = ["curl", "-sk", "--max-time", String(LONGEST), "-o", "/dev/null", "-w", written, ...more];
    const { stdout } = await theLab().run([...curl, `https://${host}.${DOMAIN}/?${query}`]);
    const [status = 0, seconds = 0, bytes = 0, code = 0, received = 0] = stdout.trim().split(" ").map(Number);
    return { status, seconds, bytes, code, received };
  }
  const tries = async (key: string) =>
    Number(await theLab().output(["curl", "-sk", `https://web.${DOMAIN}/__count?key=${key}`]));

  function near(seconds: number, expected: number): void {
    assert.ok(Math.abs(seconds - expected) <= Math.max(1, expected / 10), `${seconds} s, expected ${expected} s`);
  }

  it("cut no download and no upload of a minute by default, and end the wait for a silent backend", async () => {
    const file = labPath("timeouts-upload");
    writeFileSync(file, Buffer.alloc(SIZE));
    const [download, upload, silent] = await Promise.all([
      ask("web", `size=${SIZE}&over=62000`),
      ask("web", "read=1", "--limit-rate", "300k", "--upload-file", file),
      ask("web", "sleep=90000&key=silent"),
    ]);
    assert.deepEqual([download.status, download.bytes, download.code], [200, SIZE, 0]);
    near(download.seconds, 62);
    assert.deepEqual([upload.status, upload.received, upload.code], [200, SIZE, 0]);
    assert.ok(upload.seconds > 55, `${upload.seconds} s`);
    assert.equal(silent.status, 504);
    near(silent.seconds, 60);
    assert.equal(await tries("silent"), 1, "it is not sent again");
  });

  it("limit only how long an answer takes to begin with backendRequest", async () => {
    const silent = await ask("brief", "sleep=6000&key=brief");
    assert.equal(silent.status, 504);
    near(silent.seconds, 2);
    assert.equal(await tries("brief"), 1);
    const { status, bytes, code } = await ask("brief", "size=100000&over=6000");
    assert.deepEqual([status, bytes, code], [200, 100_000, 0]);
  });

  it("limit everything with request, and silence alone with streamIdleTimeout", async () => {
    const cut = await ask("total", "size=100000&over=6000");
    assert.ok(cut.bytes < 100_000 && cut.code !== 0, JSON.stringify(cut));
    near(cut.seconds, 2);
    const whole = await ask("quiet", "size=100000&over=6000");
    assert.deepEqual([whole.status, whole.bytes, whole.code], [200, 100_000, 0]);
    const silent = await ask("quiet", "sleep=6000");
    assert.equal(silent.status, 504);
    near(silent.seconds, 2);
  });
});
