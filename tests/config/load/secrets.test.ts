import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { clusterProvider } from "../../../components/cluster/clusterProvider";
import { stackGateway } from "../../../components/stackGateway";
import { stackConfig } from "../../../config";
import { loadConfig } from "../../../config/load/load";
import { SECRET_PATHS } from "../../../config/load/secrets";
import { loadStackFile } from "../../../config/load/stackFile";
import { ConfigError, keyPath, type KeyPath } from "../../../config/values/problem";
import { stackFileSchema } from "../../../config/schema/jsonSchema";
import { testAuthority } from "../../support/certificates";
import { register, valueOf } from "../../support/deployment";
import { PLACES } from "../../support/schemaPlaces";
import { MINIMAL, numbered } from "../../support/stacks";

const MARKER = "m4rker-of-a-secret";
const REFUSAL =
  /: \[hidden\], expected a value that is no Pulumi secret, since it ends up in clear text in objects such as an HTTPRoute/;

/** The message of a config's error; empty if there is none. */
function messageOf(load: () => unknown): string {
  try {
    load();
    return "";
  } catch (error) {
    assert.ok(error instanceof ConfigError || pulumi.RunError.isInstance(error), String(error));
    return error.message;
  }
}

/** The lines of a message that are about a path itself. */
function linesOf(message: string, path: string): string[] {
  return message.split("\n").filter((line) => line.replace(" (web): ", ": ").startsWith(`  istio-gateway:${path}: `));
}

/** A place of the schema as a path in a config. */
function segments(path: string): KeyPath {
  return path.split(/\.|(?=\[)/).map((part) => (part === "[]" ? 0 : part === "*" ? "x-api-key" : part));
}

/** A config in which only one value is set, besides the required ones. */
function configWith(path: KeyPath, value: unknown, others = MINIMAL): Record<string, unknown> {
  const set = (holder: unknown, [key, ...rest]: KeyPath): unknown => {
    if (key === undefined) {
      return value;
    }
    if (typeof key === "number") {
      return [set((holder as unknown[] | undefined)?.[0], rest)];
    }
    return {
      ...(holder as object | undefined),
      [key]: set((holder as Record<string, unknown> | undefined)?.[key], rest),
    };
  };
  return set(others, path) as Record<string, unknown>;
}

const load = (values: Record<string, unknown>, key: string, secretPaths?: readonly KeyPath[]) =>
  messageOf(() =>
    loadConfig({ project: "istio-gateway", folder: ".", values, secretKeys: new Set([key]), secretPaths }),
  );

describe("config/load/secrets", () => {
  const paths = [...new Set(PLACES.map(({ path }) => path))];

  it("may be at four keys, the same that the JSON Schema lets be encrypted", () => {
    assert.deepEqual(SECRET_PATHS, [
      "domains[].certificate.caPrivateKey",
      "certificate.caPrivateKey",
      "rateLimitService.redis.password",
      "kubernetes.kubeconfig",
    ]);
    const encrypted = JSON.stringify(stackFileSchema()).match(/"secure":/g) ?? [];
    assert.equal(encrypted.length, SECRET_PATHS.length);
  });

  it("are refused at every other key of the schema, with its path, and shown in no message", () => {
    assert.ok(paths.length > 250, String(paths.length));
    const wrong = paths.filter((place) => {
      const path = segments(place);
      const values = configWith(path, MARKER);
      if (place.endsWith(".loadBalancing.key")) {
        // Without the type that has it, it is an unknown key.
        Object.assign(values, configWith([...path.slice(0, -1), "type"], "CONSISTENT_HASH", values));
      }
      const message = load(values, String(path[0]), [path]);
      const lines = linesOf(message, keyPath(path));
      const isRefused = lines.length === 1 && REFUSAL.test(lines[0] ?? "");
      return message.includes(MARKER) || isRefused === SECRET_PATHS.includes(place);
    });
    assert.deepEqual(wrong, []);
  });

  it("are shown in no message where they are allowed, however wrong the value or the place", () => {
    for (const path of SECRET_PATHS.map(segments)) {
      for (const value of [MARKER, { token: MARKER }, [MARKER], { [MARKER]: 1 }]) {
        const above = path.map((_, index) => path.slice(0, index + 1));
        for (const place of [...above, [...path, 0], [...path.slice(0, -1), "misspelt"]]) {
          const message = load(configWith(place, value), String(path[0]), [place]);
          assert.ok(!message.includes(MARKER), message);
        }
      }
    }
  });

  it("are refused by the top-level key if another source than the stack's file sets them", () => {
    const values = configWith(["services", 0, "requestHeaders", "set", "x-api-key"], MARKER);
    const message = load(values, "services");
    assert.match(message, /mistake, nothing was changed:\n {2}istio-gateway:services: \[hidden\], expected no Pulumi/);
    assert.ok(!message.includes(MARKER));
    // The file has something else there.
    assert.equal(load(values, "services", [["services", 7, "name"]]), message);
    assert.equal(load({ ...MINIMAL, kubernetes: { kubeconfig: MARKER } }, "kubernetes"), "");
    assert.match(load({ ...MINIMAL, kubernetes: { context: MARKER } }, "kubernetes"), /:kubernetes: \[hidden\]/);
  });

  it("are refused beside one that is allowed", () => {
    const values = { ...MINIMAL, kubernetes: { kubeconfig: "fine", context: MARKER } };
    const message = load(values, "kubernetes", [
      ["kubernetes", "kubeconfig"],
      ["kubernetes", "context"],
    ]);
    assert.match(message, /has 1 mistake, .*\n {2}istio-gateway:kubernetes\.context: \[hidden\], expected a value/);
  });

  it("leave the name of a key that was meant, and every other mistake", () => {
    const at = ["kubernetes", "kubeconfg"];
    const values = { ...configWith(at, MARKER), protect: "perhaps" };
    assert.deepEqual(load(values, "kubernetes", [at]).split("\n").slice(1), [
      "  istio-gateway:kubernetes.kubeconfg: [hidden], expected the key kubeconfig: there is no kubeconfg",
      '  istio-gateway:protect: "perhaps", expected true or false',
    ]);
  });

  it("are refused where the schema lets any key be", () => {
    const jwks = {
      keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", x5c: MARKER }],
    };
    const access = { jwt: { issuer: "me", audiences: ["web"], jwks } };
    const path = ["services", 0, "access", "jwt", "jwks", "keys", 0, "x5c"];
    const values = { ...MINIMAL, services: [{ name: "web", namespace: "apps", access }] };
    assert.match(
      load(values, "services", [path]),
      /jwks\.keys\[0\]\.x5c \(web\): \[hidden\], expected a value that is no Pulumi/,
    );
  });

  describe("of a stack's file", () => {
    let folder: string;
    const home = process.cwd();
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "secrets-"));
      process.chdir(folder);
    });
    afterEach(() => {
      process.chdir(home);
      pulumi.runtime.setAllConfig({});
      rmSync(folder, { recursive: true });
    });

    /** Writes the stack's file into what mocks say is the project's folder. */
    const write = (text: string): string => {
      const path = join(folder, pulumi.getRootDirectory(), "Pulumi.test.yaml");
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    };

    const FILE = `config:
  istio-gateway:domain: example.test
  istio-gateway:services:
    - name: web
      namespace: apps
      paths:
        - path: /
          requestHeaders: { set: { x-api-key: { secure: v1:abc } } }
`;
    const AT = "services[0].paths[0].requestHeaders.set.x-api-key";

    /** What the program sees of it at an update. */
    function atUpdate(): string {
      const paths = [{ path: "/", requestHeaders: { set: { "x-api-key": MARKER } } }];
      const services = JSON.stringify([{ name: "web", namespace: "apps", paths }]);
      const config = { "istio-gateway:domain": "example.test", "istio-gateway:services": services };
      pulumi.runtime.setAllConfig(config, ["istio-gateway:services"]);
      return messageOf(stackConfig);
    }

    before(() =>
      pulumi.runtime.setMocks(
        { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
        "istio-gateway",
        "test",
      ),
    );

    it("are refused by the same words before an update and in it", () => {
      const message = messageOf(() => loadStackFile(write(FILE)));
      assert.match(linesOf(message, AT)[0] ?? "", REFUSAL);
      assert.equal(atUpdate(), message);
    });

    it("are refused in an update if there is no such file, or if it cannot be read", () => {
      for (const text of [undefined, "config: ["]) {
        if (text !== undefined) {
          write(text);
        }
        const message = atUpdate();
        assert.match(message, /istio-gateway:services: \[hidden\], expected no Pulumi secret in it/);
        assert.ok(!message.includes(MARKER));
      }
    });

    it("are refused if a whole key is one, also where one of its keys may be", () => {
      const text = `${FILE.split("      paths")[0]}  istio-gateway:kubernetes: { secure: v1:abc }\n`;
      const message = messageOf(() => loadStackFile(write(text)));
      assert.match(message, /has 1 mistake, .*\n {2}istio-gateway:kubernetes: \[hidden\], expected a value that is no/);
    });
  });

  it("that are allowed are in no resource and in no output in clear text", async () => {
    const { certificatePem, privateKeyPem } = await testAuthority(1000);
    const config = loadConfig({
      project: "istio-gateway",
      folder: ".",
      values: {
        ...MINIMAL,
        services: [{ name: "web", namespace: "apps", rateLimit: { type: "global", requests: 1, per: "hour" } }],
        certificate: { type: "ca-signed", caCertificate: certificatePem, caPrivateKey: privateKeyPem },
        rateLimitService: { redis: { type: "external", host: "redis.test", password: `${MARKER}-password` } },
        kubernetes: { kubeconfig: `${MARKER}-kubeconfig` },
        telemetry: { metrics: { scrape: "config-map" }, dashboard: true, alerts: {} },
      },
      secretKeys: new Set(["certificate", "rateLimitService", "kubernetes"]),
    });
    let outputs: unknown[] = [];
    const resources = await register(async () => {
      clusterProvider("cluster", config.kubernetes);
      const { endpoints, dnsRecords, certificates, readme } = stackGateway(numbered(config), "test", {});
      outputs = await Promise.all(
        [endpoints, dnsRecords, certificates, readme].map((output) => valueOf<unknown>(output)),
      );
    });
    const hide = (_: string, value: unknown) => (pulumi.runtime.isRpcSecret(value) ? "[secret]" : value);
    const keyBody = privateKeyPem.split("\n")[1] ?? "";
    const everything = JSON.stringify(resources);
    const inClear = JSON.stringify([resources, outputs], hide);
    for (const secret of [`${MARKER}-password`, `${MARKER}-kubeconfig`, keyBody]) {
      assert.ok(everything.includes(secret), "the scan would not find it");
      assert.ok(!inClear.includes(secret), secret);
    }
    assert.doesNotMatch(inClear, /PRIVATE KEY/);
  });
});
