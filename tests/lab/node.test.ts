import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { podAddress } from "../../lab/addresses";
import { downward, environment, expanded } from "../../lab/node/environment";
import { commandOf, imageOf } from "../../lab/node/images";
import type { Container, EnvVar, Pod, Volume } from "../../lab/node/objects";
import { Prober } from "../../lab/node/probes";
import type { Reader } from "../../lab/node/reader";
import { filesOf, writeVolume } from "../../lab/node/volumes";

const pod: Pod = {
  metadata: { name: "web-1", namespace: "apps", uid: "u", labels: { app: "web" }, annotations: { a: 'say "x"' } },
  spec: { nodeName: "node-1", containers: [] },
};
const container: Container = { name: "c", image: "i", resources: { limits: { cpu: "1500m", memory: "1Gi" } } };
const at = { podAddress: "10.0.0.1", nodeAddress: "10.0.0.2" };
const read: Reader = {
  data: (kind, namespace, name) =>
    Promise.resolve(name === "none" ? undefined : { key: Buffer.from(`${kind}/${namespace}/${name}`) }),
  token: (_pod, { audience = "" }) => Promise.resolve(`token for ${audience}`),
};

describe("lab/node", () => {
  describe("images", () => {
    const programs = { "redis-server": "/tools/redis/redis-server", ratelimit: "/tools/rl/ratelimit" };

    it("finds an image's program by name alone, and reports an image without one", () => {
      for (const image of [
        "redis",
        "redis:7.2",
        "docker.io/library/redis:7.2",
        "host:5000/a/redis",
        "redis@sha256:0",
      ]) {
        const files = { "/usr/local/bin/redis-server": "/tools/redis/redis-server" };
        assert.deepEqual(imageOf(image, programs), { entrypoint: "/usr/local/bin/redis-server", files }, image);
      }
      assert.throws(() => imageOf("docker.io/library/nginx:1", programs), /no program for the image .*nginx:1/);
      assert.throws(() => imageOf("notredis:1", programs), /no program/);
      assert.throws(() => imageOf("istio/pilot:1.30", programs), /no pilot-discovery for the image/);
    });

    it("runs cert-manager's solver, whatever its version", () => {
      const { entrypoint } = imageOf("quay.io/jetstack/cert-manager-acmesolver:v1", {
        acmesolver: "/tools/cm/acmesolver",
      });
      assert.equal(entrypoint, "/usr/local/bin/acmesolver");
    });

    it("takes Istio's programs from the release in the image's tag", () => {
      const both = { "pilot-discovery@1.30": "/tools/istio/pilot", "pilot-discovery@1.31": "/tools/istio-next/pilot" };
      const program = (image: string) => imageOf(image, both).files["/usr/local/bin/pilot-discovery"];
      assert.equal(program("registry.istio.io/testing/pilot:1.30.0"), "/tools/istio/pilot");
      assert.equal(program("istio/pilot:1.31.2-distroless"), "/tools/istio-next/pilot");
      assert.throws(() => program("istio/pilot:1.32.0"), /no pilot-discovery for the image istio\/pilot:1\.32\.0/);
    });

    it("takes a command's program from the image wherever the image has it", () => {
      const image = imageOf("ratelimit", programs);
      assert.deepEqual(commandOf(image), ["/usr/local/bin/ratelimit"]);
      assert.deepEqual(commandOf(image, ["/bin/ratelimit", "-x"]), ["/usr/local/bin/ratelimit", "-x"]);
      assert.deepEqual(commandOf(image, ["/bin/sh", "-c", "true"]), ["/bin/sh", "-c", "true"]);
    });
  });

  describe("environment", () => {
    const env = async (...variables: EnvVar[]) => {
      const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, ...rest } = await environment(
        pod,
        { ...container, env: variables },
        at,
        read,
      );
      assert.deepEqual([KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT], ["10.96.0.1", "443"]);
      return rest;
    };

    it("resolves values, references, fields and limits", async () => {
      assert.deepEqual(await env({ name: "A", value: "1" }, { name: "B", value: "$(A)-$(C)-$$(A)" }), {
        A: "1",
        B: "1-$(C)-$(A)",
      });
      assert.deepEqual(await env({ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "key" } } }), {
        A: "secrets/apps/s",
      });
      assert.deepEqual(
        await env({ name: "A", valueFrom: { configMapKeyRef: { name: "none", key: "k", optional: true } } }),
        {},
      );
      for (const [fieldPath, value] of [
        ["status.podIP", "10.0.0.1"],
        ["status.hostIP", "10.0.0.2"],
        ["spec.serviceAccountName", "default"],
        ["metadata.labels['app']", "web"],
        ["metadata.annotations", 'a="say \\"x\\""\n'],
      ] as const) {
        assert.deepEqual(await env({ name: "A", valueFrom: { fieldRef: { fieldPath } } }), { A: value }, fieldPath);
      }
      for (const [resource, divisor, value] of [
        ["limits.cpu", "1", "2"],
        ["limits.cpu", "1m", "1500"],
        ["limits.memory", "1Mi", "1024"],
      ] as const) {
        assert.equal(downward(pod, { resourceFieldRef: { resource, divisor } }, container), value, resource);
      }
      assert.equal(expanded("--x=$(A)", { A: "1" }), "--x=1");
    });

    it("reports what is missing, and what it does not support", async () => {
      await assert.rejects(
        env({ name: "A", valueFrom: { configMapKeyRef: { name: "m", key: "other" } } }),
        /A has no value/,
      );
      await assert.rejects(env({ name: "A", valueFrom: { fieldRef: { fieldPath: "status.x" } } }), /do not support/);
      await assert.rejects(environment(pod, { ...container, envFrom: [{}] }, at, read), /do not support envFrom/);
    });
  });

  describe("volumes", () => {
    let folder = "";
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "volume-"));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));
    const files = async (volume: Omit<Volume, "name">) => {
      const found = await filesOf(pod, { name: "v", ...volume }, read);
      return found && Object.fromEntries(Object.entries(found).map(([name, content]) => [name, content.toString()]));
    };

    it("has the files of each source, and rejects other kinds", async () => {
      assert.equal(await files({ emptyDir: {} }), undefined);
      assert.deepEqual(await files({ configMap: { name: "m" } }), { key: "configmaps/apps/m" });
      const items = [{ key: "key", path: "inner" }];
      assert.deepEqual(await files({ secret: { secretName: "s", items } }), { inner: "secrets/apps/s" });
      assert.deepEqual(await files({ configMap: { name: "none", optional: true } }), {});
      await assert.rejects(files({ configMap: { name: "none" } }), /ConfigMap apps\/none does not exist/);
      const sources = [
        { serviceAccountToken: { path: "token", audience: "istio-ca" } },
        { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
      ];
      assert.deepEqual(await files({ projected: { sources } }), { token: "token for istio-ca", labels: 'app="web"\n' });
      await assert.rejects(files({}), /do not support the volume/);
    });

    it("changes all files at once, through ..data", () => {
      writeVolume(folder, { a: "1", b: "1" });
      assert.equal(readlinkSync(join(folder, "a")), "..data/a");
      const before = readlinkSync(join(folder, "..data"));
      writeVolume(folder, { a: "2", b: "2" });
      assert.notEqual(readlinkSync(join(folder, "..data")), before);
      assert.equal(readFileSync(join(folder, "a"), "utf8") + readFileSync(join(folder, "b"), "utf8"), "22");
    });
  });

  it("probes until it fails as often as its threshold says", async () => {
    let healthy = true;
    const server = createServer((_, response) => response.writeHead(healthy ? 200 : 500).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const reports: boolean[] = [];
    const target = { container, address: "127.0.0.1", pid: () => undefined };
    const probe = { httpGet: { port }, periodSeconds: 0.01, failureThreshold: 2 };
    const reported = (count: number) =>
      new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          if (reports.length === count) {
            clearInterval(timer);
            resolve();
          }
        }, 5);
      });
    const prober = new Prober(target, probe, (succeeds) => reports.push(succeeds));
    try {
      await reported(1);
      healthy = false;
      await reported(2);
      healthy = true;
      await reported(3);
      assert.deepEqual(reports, [true, false, true]);
    } finally {
      prober.stop();
      server.close();
    }
  });

  it("gives the Pods of both nodes distinct addresses", () => {
    const addresses = [1, 2].flatMap((node) => Array.from({ length: 253 }, (_, number) => podAddress(node, number)));
    assert.equal(new Set(addresses).size, 506);
    assert.ok(addresses.every((address) => /^10\.230\.[12]\.([1-9]\d*)$/.test(address)));
  });
});
