import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_INSIDE } from "../../lab/addresses";
import { REPOSITORY } from "../../lab/paths";
import { eventually } from "../../lab/processes";
import { labPath } from "../../lab/state";
import type { Row } from "../../verify/row";
import { certificateWithKey, signedBy, testAuthority, type TestAuthority } from "../support/certificates";
import { deploy, destroy, theLab, writeStack, type Values } from "./support/lab";

const STACK = "verify";
const NAMESPACE = "verify-system";
const VALUES = {
  domain: "verify.test",
  gateway: {
    name: "verify",
    namespace: NAMESPACE,
    address: "192.168.51.157",
    clientAddress: { trustedProxies: 0 },
  },
  services: [
    {
      name: "web",
      namespace: "verify-apps",
      port: 8080,
      hsts: { maxAge: "5m" },
      responseHeaders: { remove: ["x-backend"] },
    },
    { name: "other", namespace: "verify-apps", port: 8080 },
    {
      name: "limited",
      namespace: "verify-apps",
      port: 8080,
      rateLimit: { type: "global", requests: 1000, per: "hour" },
    },
    {
      name: "counted",
      namespace: "verify-apps",
      port: 8080,
      // More than all other checks in this file use.
      rateLimit: { type: "local-by-header", header: "x-user", requests: 150, per: "hour" },
    },
    { name: "closed", namespace: "verify-apps", port: 8080, access: { allow: ["198.51.100.1"] } },
  ],
  rateLimitService: { failureMode: "closed" },
  telemetry: { accessLogs: { provider: "gateway-json" } },
};
/** A gateway that only admits clients with a certificate. */
const MUTUAL = "verify-mutual";
const mutualValues = (caCertificate: string) => ({
  domain: "mutual.test",
  gateway: {
    name: MUTUAL,
    namespace: "verify-mutual-system",
    address: "192.168.51.158",
    tls: { clientCertificates: { caCertificate } },
  },
  telemetry: { accessLogs: { provider: "gateway-json" } },
  services: [{ name: "web", namespace: "verify-mutual-apps", port: 8080 }],
});

const SECRET = ["secret", "verify--wildcard-verify-test-tls", "-n", NAMESPACE];

interface Report {
  passed: boolean;
  rows: Row[];
}

describe("verify", () => {
  const runOn = (stack: string, values: Values, more: readonly string[]) => {
    const main = join(REPOSITORY, "verify", "main.ts");
    const command = [process.execPath, "-r", "ts-node/register/transpile-only", main, "--stack", stack];
    return theLab().run([...command, "--config-file", writeStack(stack, values), ...more], { cwd: REPOSITORY });
  };
  const run = (...more: string[]) => runOn(STACK, VALUES, more);
  const report = async (...more: string[]) => JSON.parse((await run("--json", ...more)).stdout) as Report;

  /** Waits until exactly these checks fail, each with a matching cause. */
  async function expectFailures(expected: Record<string, RegExp>, ...more: string[]): Promise<void> {
    await eventually("the failures", 30_000, async () => {
      const failed = (await report(...more)).rows.filter(({ state }) => state === "failed");
      const said = failed
        .map(({ check, what, seen, cause }) => `${check}: ${what}: ${seen}: ${cause ?? ""}`)
        .join("\n");
      assert.deepEqual([...new Set(failed.map(({ check }) => check))].sort(), Object.keys(expected).sort(), said);
      for (const row of failed) {
        assert.match(row.cause ?? "", expected[row.check] ?? /^$/, said);
        assert.ok(row.more, "a command that shows more");
      }
    });
  }

  const expectSoundness = () =>
    eventually("a healthy gateway", 30_000, async () => {
      const { passed, rows } = await report();
      const failed = rows.filter(({ state }) => state !== "ok");
      assert.ok(passed && failed.length === 0, JSON.stringify(failed));
    });

  before(async () => {
    await deploy(STACK, VALUES);
    await expectSoundness();
  });
  afterEach(expectSoundness);
  after(() => destroy(STACK));

  it("reports success in a table and with its exit code", async () => {
    const { code, stdout } = await run();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ {2}ok {4}http:\/\/web\.verify\.test redirects to https +301 https:\/\/web\.verify\.test/m);
    assert.match(stdout, /^(\d+) of \1 checks passed$/m);
    assert.ok(!stdout.includes("\x1b"), "no colours without a terminal");
  });

  it("needs no cluster for the traffic part, and exhausts no limits unless asked to", async () => {
    const { passed, rows } = await report("--no-cluster");
    assert.ok(passed);
    assert.ok(rows.every(({ check }) => !["conditions", "backends", "proxies", "limits"].includes(check)));
  });

  it("checks limits that it may exhaust, and access for its own address", async () => {
    const { rows } = await report("--no-cluster", "--limits", "--from", CLIENT_INSIDE);
    const seenOf = (of: string) =>
      rows.filter(({ check }) => check === of).map(({ what, state, seen }) => [what, state, seen]);
    assert.deepEqual(seenOf("limits"), [
      [
        "https://limited.verify.test/ allows 1000 requests per hour",
        "skipped",
        "not tested: it takes more than 200 requests",
      ],
      ["https://counted.verify.test/ allows 150 requests per hour", "ok", "429 after 150"],
    ]);
    assert.deepEqual(seenOf("access"), [
      [`https://closed.verify.test/ refuses ${CLIENT_INSIDE}`, "ok", "403, as configured"],
    ]);
    assert.deepEqual(
      seenOf("headers").filter(([what]) => what?.startsWith("https://web.")),
      [
        ["https://web.verify.test/ sends HSTS", "ok", "max-age=300"],
        ["https://web.verify.test/ reveals no internals", "ok", "nothing"],
      ],
    );
  });

  it("detects limits, access and headers that are not in force", async () => {
    const without = (kind: string, name: string, body: () => Promise<void>) => {
      const object = [kind, name, "-n", NAMESPACE];
      return withObject(object, () => theLab().kubectl(["delete", ...object]), body);
    };
    const web = ["httproute", `web.verify.${NAMESPACE}`, "-n", "verify-apps"];
    const noFilters = '[{"op":"remove","path":"/spec/rules/0/filters"}]';
    const causes = {
      limits: /^the limit is not in force$/,
      access: /^the access rule is not in force/,
      headers: /^(expected max-age=300: |the (service's responseHeaders|gateway's hardening) (is|are) not in force$)/,
    };
    await without("envoyfilter", "verify--local-rate-limit", () =>
      without("envoyfilter", "verify--access", () =>
        without("envoyfilter", "verify--hardening", () =>
          withObject(
            web,
            () => theLab().kubectl(["patch", ...web, "--type=json", "-p", noFilters]),
            () => expectFailures(causes, "--limits", "--from", CLIENT_INSIDE),
          ),
        ),
      ),
    );
  });

  it("answers wrong options with one line", async () => {
    const { code, stderr } = await run("--nonsense");
    assert.equal(code, 2);
    assert.match(stderr, /^error: Unknown option '--nonsense'/);
    assert.doesNotMatch(stderr, /\n\s+at /);
    const half = await run("--client-cert", labPath("hosts"));
    assert.deepEqual([half.code, half.stderr], [2, "error: --client-cert and --client-key go together\n"]);
    const none = await run("--client-cert", labPath("hosts"), "--client-key", labPath("hosts"));
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^error: --client-cert and --client-key are not a certificate and its key in PEM$/m);
  });

  /** Runs `body` while an object is deleted or changed. */
  async function withObject(object: readonly string[], change: () => Promise<unknown>, body: () => Promise<void>) {
    const lab = theLab();
    const before = JSON.parse(await lab.kubectl(["get", ...object, "-o", "json"])) as { metadata: object };
    await change();
    try {
      await body();
    } finally {
      const {
        resourceVersion: _r,
        uid: _u,
        managedFields: _m,
        ...metadata
      } = before.metadata as Record<string, unknown>;
      await lab.kubectl(["delete", ...object, "--ignore-not-found"]);
      await lab.kubectl(["create", "-f", "-"], JSON.stringify({ ...before, metadata, status: undefined }));
    }
  }
  const serve = (pair: { certificatePem: string; privateKeyPem: string }) => {
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const data = { "tls.crt": base64(pair.certificatePem), "tls.key": base64(pair.privateKeyPem) };
    return theLab().kubectl(["patch", ...SECRET, "--type=merge", "-p", JSON.stringify({ data })]);
  };
  const names = ["*.verify.test", "verify.test"];

  it("detects a wrong certificate", () =>
    withObject(
      SECRET,
      async () => serve(await certificateWithKey(names, 90)),
      () => expectFailures({ certificate: /it was not signed by the stack's|it is not one that the stack issued/ }),
    ));

  it("detects an expired certificate", () =>
    withObject(
      SECRET,
      async () => serve(await certificateWithKey(names, -1)),
      () => expectFailures({ certificate: /has expired|it is not one that the stack issued/ }),
    ));

  const slice = ["endpointslice", "web-lab", "-n", "verify-apps"];
  it("detects a backend that is down", () =>
    withObject(
      slice,
      () =>
        theLab().kubectl([
          "patch",
          ...slice,
          "--type=json",
          "-p",
          '[{"op":"replace","path":"/ports/0/port","value":9}]',
        ]),
      () => expectFailures({ routes: /nothing listens at the backend's address/ }),
    ));

  const service = ["service", "web", "-n", "verify-apps"];
  it("detects a wrong port", () =>
    withObject(
      service,
      () =>
        theLab().kubectl([
          "patch",
          ...service,
          "--type=json",
          "-p",
          '[{"op":"replace","path":"/spec/ports/0/port","value":81}]',
        ]),
      () =>
        expectFailures({
          routes: /the route's backend does not exist/,
          backends: /the Service has no port 8080/,
        }),
    ));

  it("detects a missing Service", () =>
    withObject(
      service,
      () => theLab().kubectl(["delete", ...service]),
      () =>
        expectFailures({
          routes: /the route's backend does not exist/,
          conditions: /not found/,
          backends: /there is no Service web in verify-apps/,
        }),
    ));

  it("detects a client that is blocked", async () => {
    const policy = {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "blocked", namespace: NAMESPACE },
      spec: {
        targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "verify" }],
        action: "DENY",
        rules: [{ to: [{ operation: { hosts: ["web.verify.test"] } }] }],
      },
    };
    await theLab().kubectl(["create", "-f", "-"], JSON.stringify(policy));
    try {
      await expectFailures({ routes: /an access rule of the gateway refuses this client/ });
    } finally {
      await theLab().kubectl(["delete", "authorizationpolicy", "blocked", "-n", NAMESPACE]);
    }
  });

  const redirect = ["httproute", "verify--https-redirect", "-n", NAMESPACE];
  it("detects a redirect that is off", () =>
    withObject(
      redirect,
      () => theLab().kubectl(["delete", ...redirect]),
      () => expectFailures({ redirect: /the redirect's route is missing/, conditions: /it was deleted/ }),
    ));

  it("detects a rate limit service that is down", async () => {
    const scale = (replicas: number) =>
      theLab().kubectl(["scale", "deployment", "verify--rate-limit", "-n", NAMESPACE, `--replicas=${replicas}`]);
    await scale(0);
    try {
      await expectFailures({
        routes: /the rate limit service does not answer/,
        backends: /no Pod behind the Service is ready/,
      });
    } finally {
      await scale(2);
    }
  });

  it("detects an Envoy whose config is stale", async () => {
    const [pod] = await theLab().gatewayPods("verify");
    assert.ok(pod);
    // Envoy gets its config through the agent: while that is stopped, no new config arrives.
    await theLab().output(["kill", "-STOP", String(pod.pid)]);
    try {
      await theLab().kubectl(["label", "service", "web", "-n", "verify-apps", "verify=stale"]);
      const route = ["httproute", `other.verify.${NAMESPACE}`, "-n", "verify-apps"];
      await theLab().kubectl(["annotate", ...route, "verify=stale"]);
      await theLab().kubectl([
        "patch",
        ...route,
        "--type=json",
        "-p",
        '[{"op":"replace","path":"/spec/rules/0/timeouts/request","value":"29s"}]',
      ]);
      await expectFailures({ proxies: /Envoy rejected the latest config or has not acknowledged it/ });
    } finally {
      await theLab().output(["kill", "-CONT", String(pod.pid)]);
    }
  });

  it("detects a DNS record that points elsewhere", async () => {
    const hosts = readFileSync(labPath("hosts"), "utf8");
    writeFileSync(labPath("hosts"), hosts.replace("192.168.51.157 web.verify.test", "192.168.51.199 web.verify.test"));
    try {
      await expectFailures({ dns: /the record points elsewhere/ });
    } finally {
      writeFileSync(labPath("hosts"), hosts);
    }
  });

  describe("of a gateway that asks for client certificates", () => {
    let values: Values;
    let files: Record<"mine" | "strangers", string[]>;
    const rowsWith = async (more: readonly string[]) =>
      (JSON.parse((await runOn(MUTUAL, values, ["--json", ...more])).stdout) as Report).rows;

    /** A client certificate and its key in files, as options. */
    async function client(name: string, authority: TestAuthority): Promise<string[]> {
      const { certificatePem, privateKeyPem } = await signedBy(authority, { commonName: name, uses: ["client_auth"] });
      const [cert, key] = [labPath(`${name}.crt`), labPath(`${name}.key`)];
      writeFileSync(cert, certificatePem);
      writeFileSync(key, privateKeyPem, { mode: 0o600 });
      return ["--client-cert", cert, "--client-key", key];
    }

    before(async () => {
      const [ours, theirs] = [await testAuthority(365, true, "Ours"), await testAuthority(365, true, "Theirs")];
      files = { mine: await client("verify-mine", ours), strangers: await client("verify-strangers", theirs) };
      values = mutualValues(ours.certificatePem);
      await deploy(MUTUAL, values);
    });
    after(() => destroy(MUTUAL));

    it("checks everything with a certificate", () =>
      eventually("a healthy gateway", 30_000, async () => {
        const rows = await rowsWith(files.mine);
        assert.deepEqual(
          rows.filter(({ state }) => state !== "ok"),
          [],
        );
        assert.ok(rows.some(({ what, seen }) => what === "https://web.mutual.test/ answers" && seen === "200"));
        assert.deepEqual(
          rows.filter(({ check }) => check === "client-certificate").map(({ what }) => what),
          ["clients without a certificate are refused", "this client's certificate is accepted"].map(
            (what) => `*.mutual.test: ${what}`,
          ),
        );
      }));

    it("reports what it skips without one", async () => {
      const rows = await rowsWith(["--no-cluster"]);
      assert.deepEqual(
        rows.filter(({ state }) => state === "failed"),
        [],
      );
      const [left, ...more] = rows.filter(({ state }) => state === "skipped");
      assert.deepEqual(more, []);
      assert.match(left?.seen ?? "", /^it is required: pass --client-cert and --client-key/);
      assert.ok(rows.every(({ check }) => check !== "routes"));
    });

    it("detects a certificate of another CA, and a gateway that requires none", async () => {
      const rows = await rowsWith(["--no-cluster", ...files.strangers]);
      const [failed, ...more] = rows.filter(({ state }) => state === "failed");
      assert.deepEqual(more, []);
      assert.match(failed?.cause ?? "", /^no CA of clientCertificates signed it/);
      // The suite's own gateway requires no certificate.
      const open = await rowsWith(["--no-cluster", "--address", "192.168.51.157"]);
      const causes = open.filter(({ check }) => check === "client-certificate").map(({ cause }) => cause ?? "");
      assert.match(causes[0] ?? "", /clientCertificates is not in force/);
    });
  });
});
