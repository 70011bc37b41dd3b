import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(__dirname, "..", "e2e");

describe("tests/e2e", () => {
  it("gives each file gateways on addresses of their own: the lab keeps one proxy for each address", () => {
    const owners = new Map<string, string>();
    for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"))) {
      const found = readFileSync(join(FOLDER, file), "utf8").match(/192\.168\.51\.\d+/g) ?? [];
      for (const address of new Set(found)) {
        assert.equal(owners.get(address) ?? file, file, address);
        owners.set(address, file);
      }
    }
    assert.ok(owners.size >= 15);
  });
});
