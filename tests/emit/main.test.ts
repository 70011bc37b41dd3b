import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { EmittedResource } from "../../emit/resources";

const ROOT = join(__dirname, "..", "..");

/** A separate process, as another revision's `npm run preview` starts it: path, argument and output are an interface. */
function emit(stack: string): EmittedResource[] {
  const command = ["-r", "ts-node/register/transpile-only", join("emit", "main.ts"), stack];
  return JSON.parse(execFileSync(process.execPath, command, { cwd: ROOT, encoding: "utf8" })) as EmittedResource[];
}

describe("emit/main", function () {
  this.timeout(60_000);

  it("prints every resource of a stack as JSON, without components and secrets", () => {
    const resources = emit("dev");
    const gateway = resources.find(({ type }) => type === "kubernetes:gateway.networking.k8s.io/v1:Gateway");
    assert.match(gateway?.urn ?? "", /^urn:pulumi:dev::istio-gateway::/);
    assert.deepEqual(Object.keys(gateway ?? {}), ["type", "name", "props", "urn", "protect"]);
    assert.equal(resources.filter(({ type }) => type.startsWith("istio-gateway:")).length, 0);
    const secret = resources.find(({ type }) => type === "kubernetes:core/v1:Secret");
    assert.equal(secret?.props.stringData, "(secret)");
  });

  it("prints an empty list for a stack that the revision does not have", () => {
    assert.deepEqual(emit("none"), []);
  });
});
