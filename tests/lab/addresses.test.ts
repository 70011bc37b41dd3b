import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["e2e", "faults"].map((name) => join(__dirname, "..", name));

describe("tests/e2e and tests/faults", () => {
  it("uses different gateway addresses in each file: the lab keeps one proxy per address", () => {
    const owners = new Map<string, string>();
    const files = FOLDERS.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
    for (const file of files.filter((name) => name.endsWith(".test.ts"))) {
      const found = readFileSync(file, "utf8").match(/192\.168\.51\.\d+/g) ?? [];
      for (const address of new Set(found)) {
        assert.equal(owners.get(address) ?? file, file, address);
        owners.set(address, file);
      }
    }
    assert.ok(owners.size >= 15);
  });
});
