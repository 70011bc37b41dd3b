import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deploy, destroy, prepare, pulumi, pulumiOk, theLab, writeStack } from "./support/lab";

const VALUES = {
  domain: "lifecycle.test",
  gateway: { name: "lifecycle", namespace: "lifecycle-system", address: "192.168.51.113" },
  services: [
    {
      name: "web",
      namespace: "lifecycle-apps",
      port: 8080,
      backends: [{ service: "far", namespace: "lifecycle-far" }],
    },
  ],
};
/** The outputs in the state of `istio/`, on a cluster with the standard channel. */
const STANDARD_PLATFORM = {
  version: 3,
  deployment: {
    manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" },
    resources: [
      {
        urn: "urn:pulumi:dev::platform::pulumi:pulumi:Stack::platform-dev",
        custom: false,
        type: "pulumi:pulumi:Stack",
        outputs: { gatewayApi: { channel: "standard", version: "v1.5.0" } },
      },
    ],
  },
};
const KINDS = "gateways,httproutes,referencegrants,secrets";

describe("lifecycle", () => {
  const owned = () => theLab().kubectl(["get", KINDS, "-A", "-l", "app.kubernetes.io/part-of=lifecycle", "-o", "name"]);
  const namespace = () =>
    theLab().kubectl(["get", "namespace", "lifecycle-apps", "-o", "json", "--show-managed-fields"]);

  it("destroy leaves nothing, and a namespace was not touched", async () => {
    await prepare("lifecycle", VALUES);
    const before = await namespace();
    await pulumiOk("lifecycle", ["up", "--yes", "--skip-preview"]);
    assert.equal((await owned()).trim().split("\n").length, 5);
    await destroy("lifecycle");
    assert.equal(await owned(), "");
    assert.equal(await namespace(), before);
  });

  it("lists eight mistakes in one error and creates nothing", async () => {
    const file = writeStack("mistakes", {
      domain: "Example",
      gatway: {},
      protect: "yes",
      gateway: { minProtocolVersion: "TLSV1_2", address: "10.0.0.300" },
      certificate: { type: "letsencrypt" },
      services: [
        { name: "web", namespace: "apps", port: 70000 },
        { name: "api", namespace: "apps", backends: [{ service: "a", weight: 0 }] },
      ],
    });
    await theLab().take("mistakes", file);
    const { code, stdout, stderr } = await pulumi("mistakes", ["preview"]);
    const said = stdout + stderr;
    assert.notEqual(code, 0);
    assert.match(said, /stack config has 8 mistakes, nothing was changed:/);
    const diagnostics = said.slice(said.lastIndexOf("stack config has 8 mistakes"));
    assert.equal(diagnostics.split("\n").filter((line) => /^\s+istio-gateway:/.test(line)).length, 8);
    assert.doesNotMatch(said, /\bat .+\.ts:\d+/, "no stack trace");
    assert.notEqual((await pulumi("mistakes", ["up", "--yes", "--skip-preview"])).code, 0);
    const state = JSON.parse(await pulumiOk("mistakes", ["stack", "export"])) as {
      deployment: { resources?: { type: string }[] };
    };
    const made = (state.deployment.resources ?? []).filter(({ type }) => type !== "pulumi:pulumi:Stack");
    assert.deepEqual(made, []);
    await theLab().output(["pulumi", "stack", "rm", "mistakes", "--yes", "--force", "--non-interactive"]);
  });

  it("fails clearly if the Gateway does not become Programmed, and continues once it does", async () => {
    const gateway = { ...VALUES.gateway, name: "stuck", className: "nobody", programmedTimeout: "2s" };
    await prepare("stuck", { ...VALUES, gateway });
    const { code, stdout, stderr } = await pulumi("stuck", ["up", "--yes", "--skip-preview"]);
    assert.notEqual(code, 0);
    // The provider names the Gateway, but not the condition.
    assert.match(
      stdout + stderr,
      /:Gateway::gateway" was successfully created, but .*timed out waiting for the condition/,
    );
    await deploy("stuck", { ...VALUES, gateway: { ...gateway, className: "istio", programmedTimeout: "1m" } });
    await destroy("stuck");
  });

  it("does not wait if the config turns it off", async () => {
    const gateway = { ...VALUES.gateway, name: "hasty", className: "nobody", programmedTimeout: "0s" };
    await deploy("hasty", { ...VALUES, gateway });
    await destroy("hasty");
  });

  it("renders YAML without a cluster, readable only by its owner", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-render-"));
    const renderDirectory = join(folder, "yaml");
    try {
      await theLab().take("render", writeStack("render", { ...VALUES, kubernetes: { renderDirectory } }));
      const result = await pulumi("render", ["up", "--yes", "--skip-preview"], { KUBECONFIG: "/dev/null" });
      assert.equal(result.code, 0, result.stdout + result.stderr);
      assert.equal(statSync(renderDirectory).mode & 0o777, 0o700);
      const manifests = join(renderDirectory, "1-manifest");
      const texts = readdirSync(manifests).map((file) => readFileSync(join(manifests, file), "utf8"));
      const kinds = texts.map((text) => /^kind: (.+)$/m.exec(text)?.[1]).sort();
      assert.deepEqual(kinds, [
        ...[
          "ConfigMap",
          "EnvoyFilter",
          "EnvoyFilter",
          "EnvoyFilter",
          "EnvoyFilter",
          "Gateway",
          "HTTPRoute",
          "HTTPRoute",
        ],
        ...["PodDisruptionBudget", "ReferenceGrant", "Secret"],
      ]);
      assert.equal(await owned(), "");
    } finally {
      await destroy("render");
      rmSync(folder, { recursive: true });
    }
  });

  it("reads the stack that installed the CRDs, if the config names one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "platform-"));
    const platform = (...command: string[]) =>
      theLab().output(["pulumi", "-C", folder, ...command, "--non-interactive", "--stack", "dev"]);
    writeFileSync(join(folder, "Pulumi.yaml"), "name: platform\nruntime: yaml\n");
    writeFileSync(join(folder, "state.json"), JSON.stringify(STANDARD_PLATFORM));
    try {
      await platform("stack", "init");
      await platform("stack", "import", "--file", join(folder, "state.json"));
      const services = [{ ...VALUES.services[0], retry: { attempts: 1 } }];
      const kubernetes = { istioStack: "organization/platform/dev" };
      await theLab().take("joined", writeStack("joined", { ...VALUES, services, kubernetes }));
      const { code, stdout, stderr } = await pulumi("joined", ["preview"]);
      assert.notEqual(code, 0);
      assert.match(stdout + stderr, /the experimental channel .*are standard v1\.5\.0/);
    } finally {
      await platform("stack", "rm", "--yes", "--force");
      await theLab().run(["pulumi", "stack", "rm", "joined", "--yes", "--force", "--non-interactive"]);
      rmSync(folder, { recursive: true });
    }
  });
});
