import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { eventually, run } from "../../lab/processes";
import { REPOSITORY } from "../../lab/paths";
import { destroy, theLab } from "./support/lab";
import { LAB_COMMAND, SecondLab } from "./support/secondLab";

/** Pids of processes whose command line contains a folder. */
function processesOf(folder: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
      } catch {
        return false;
      }
    });
}

describe("lab", () => {
  let second: SecondLab;
  before(() => {
    second = new SecondLab();
  });
  after(() => second.end());

  const lab = (...args: string[]) => second.run(...args);
  const allEnded = () =>
    eventually("every process to end", 5_000, () =>
      processesOf(second.folder).length === 0 ? Promise.resolve() : Promise.reject(new Error("some are still running")),
    );
  const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("close", resolve));

  it("leaves no process behind if it is interrupted while it starts", async () => {
    const child = spawn(process.execPath, [...LAB_COMMAND, "up"], { ...second.options, stdio: "ignore" });
    await eventually("the API server to start", 30_000, async () => {
      assert.ok(processesOf(second.folder).length >= 3);
      return Promise.resolve();
    });
    const refused = await lab("up");
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`^error: another lab command is running with pid ${child.pid}: [^\\n]+\\n$`),
    );
    child.kill("SIGINT");
    assert.equal(await ended(child), 130);
    await allEnded();
  });

  it("ends together with an interrupted suite", async () => {
    const suite = `require("./tests/e2e/support/lab").bringUp().then(() => setInterval(() => {}, 1000))`;
    const command = ["-r", "ts-node/register/transpile-only", "-e", suite];
    const child = spawn(process.execPath, command, { ...second.options, stdio: "ignore" });
    await eventually("the suite's lab", 120_000, async () => assert.equal((await lab("status")).code, 0));
    child.kill("SIGINT");
    assert.equal(await ended(child), 130);
    await allEnded();
  });

  it("starts over after an interruption, and ends without a trace", async () => {
    const up = await lab("up", "--crds", "standard");
    assert.equal(up.code, 0, up.stderr);
    const status = await lab("status");
    assert.equal(status.code, 0);
    for (const line of [
      /^Kubernetes +v1\.\d+\.\d+$/m,
      /^Istio +1\.\d+$/m,
      /^provider kubernetes /m,
      /^node node-2 at /m,
    ]) {
      assert.match(status.stdout, line);
    }
    const answer = await lab(
      "exec",
      "--",
      "sh",
      "-c",
      "kubectl get crd httproutes.gateway.networking.k8s.io -o yaml; exit 7",
    );
    assert.equal(answer.code, 7);
    assert.match(answer.stdout, /gateway\.networking\.k8s\.io\/channel: standard/);
    assert.equal((await lab("down")).code, 0);
    await allEnded();
    assert.ok(!existsSync(second.folder));
    assert.equal((await lab("status")).code, 1);
  });

  it("answers a wrong command with one line", async () => {
    for (const [args, pattern] of [
      [["deploy", "--stack", "nobody"], /^error: there is no stack nobody: Pulumi\.nobody\.yaml is missing$/m],
      [["deploy"], /^error: deploy needs --stack STACK$/m],
      [["up", "--crds", "old"], /^error: --crds is old, expected standard or experimental$/m],
      [["exec", "--"], /^error: exec needs a command/m],
      [["proxy", "--stack", "nobody"], /^error: there is no stack nobody: Pulumi\.nobody\.yaml is missing$/m],
      [["nonsense"], /^unknown command nonsense$/m],
    ] as const) {
      const { code, stderr } = await lab(...args);
      assert.notEqual(code, 0);
      assert.match(stderr, pattern);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
  });

  it("shows the logs of containers", async () => {
    const [pod] = await theLab().istiodPods();
    assert.ok(pod);
    const logs = (...options: string[]) =>
      theLab().output(["kubectl", "logs", "-n", "istio-system", pod.name, ...options]);
    const all = await logs();
    assert.match(all, /istiod/);
    const last = await logs("--tail=1");
    assert.equal(last.trimEnd().split("\n").length, 1);
    const since = await logs("--since=1s");
    assert.ok(since.length < all.length);
    await assert.rejects(logs("--previous"), /do not support previous/);
  });

  it("forwards a port of the machine to the gateway", async () => {
    const config = await theLab().prepare("dev");
    assert.equal((await theLab().run(["pulumi", "up", "--yes", "--skip-preview", "--stack", "dev"])).code, 0);
    const port = 18_443;
    const [host = ""] = config.services.map((service) => service.host).filter((name) => name.startsWith("grafana"));
    const relay = spawn(process.execPath, [...LAB_COMMAND, "proxy", "--port", String(port)], {
      cwd: REPOSITORY,
      stdio: "ignore",
    });
    try {
      await eventually("an answer through the relay", 20_000, async () => {
        const to = `${host}:443:127.0.0.1:${port}`;
        const { stdout } = await run("curl", ["-sk", "--max-time", "5", "--connect-to", to, `https://${host}/`]);
        assert.match(stdout, /"service":"grafana"/);
      });
    } finally {
      relay.kill("SIGINT");
      await ended(relay);
      await destroy("dev");
    }
  });
});
