import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { podAddress, replicaAddress } from "../../lab/addresses";
import { programOf } from "../../lab/node/images";
import type { Container, Pod } from "../../lab/node/objects";
import { environment, volumeFolder } from "../../lab/node/volumes";

const pod: Pod = { metadata: { name: "web-1", namespace: "apps", uid: "u" }, spec: { containers: [] } };
const read = (kind: string, namespace: string, name: string) =>
  Promise.resolve<Record<string, string>>({ key: `${kind}/${namespace}/${name}` });

describe("lab/node", () => {
  it("finds an image's program by name alone, and reports an image without one", () => {
    const programs = { "redis-server": "/tools/redis/redis-server", ratelimit: "/tools/rl/ratelimit" };
    const path = "/tools/redis/redis-server";
    for (const image of ["redis", "redis:7.2", "docker.io/library/redis:7.2", "host:5000/a/redis", "redis@sha256:0"]) {
      assert.deepEqual(programOf(image, programs), { path, folder: "/tools/redis" }, image);
    }
    assert.throws(() => programOf("docker.io/library/nginx:1", programs), /no program for the image .*nginx:1/);
    assert.throws(() => programOf("notredis:1", programs), /no program/);
  });

  it("resolves a container's environment, and reports what is missing", async () => {
    const env = (entry: NonNullable<Container["env"]>[number]) =>
      environment(pod, { name: "c", image: "i", env: [entry] }, "10.0.0.1", read);
    assert.deepEqual(await env({ name: "A", value: "1" }), { A: "1" });
    assert.deepEqual(await env({ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "key" } } }), {
      A: "secrets/apps/s",
    });
    assert.deepEqual(await env({ name: "A", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }), {
      A: "10.0.0.1",
    });
    const missing = env({ name: "A", valueFrom: { configMapKeyRef: { name: "m", key: "other" } } });
    await assert.rejects(missing, /A has no value/);
  });

  it("writes volumes as links through ..data, and rejects unsupported kinds", async () => {
    const folder = mkdtempSync(join(tmpdir(), "volume-"));
    try {
      await volumeFolder(folder, "apps", { name: "v", configMap: { name: "m" } }, read);
      assert.equal(readlinkSync(join(folder, "key")), "..data/key");
      assert.equal(readFileSync(join(folder, "key"), "utf8"), "configmaps/apps/m");
      const secret = { name: "v", secret: { secretName: "s", items: [{ key: "key", path: "inner" }] } };
      await volumeFolder(folder, "apps", secret, read);
      assert.equal(readFileSync(join(folder, "inner"), "utf8"), "secrets/apps/s");
      await assert.rejects(volumeFolder(folder, "apps", { name: "hostPath" }, read), /does not support the volume/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("gives replicas and Pods distinct addresses", () => {
    assert.equal(replicaAddress("192.168.51.100", 0), "192.168.51.100");
    assert.equal(replicaAddress("192.168.51.199", 1), "192.168.51.200");
    const addresses = Array.from({ length: 1000 }, (_, number) => podAddress(number));
    assert.equal(new Set(addresses).size, 1000);
    assert.ok(addresses.every((address) => /^10\.230\.\d+\.([1-9]\d*)$/.test(address)));
  });
});
