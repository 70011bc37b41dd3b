import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stackFileSchema } from "../../config/schema/jsonSchema";
import { configReference } from "../../scripts/configReference";

describe("scripts/configReference", () => {
  const page = configReference();

  it("is up to date (npm run generate)", () => {
    const committed = readFileSync(join(__dirname, "..", "..", "docs", "config.md"), "utf8");
    assert.equal(committed, page, "docs/config.md is stale: npm run generate");
  });

  it("lists every key of the schema, with its description", () => {
    const told = new Set([...page.matchAll(/^\| (?:\*\*)?`([^`]+)`/gm)].map((match) => match[1]));
    const untold = keysOf(stackFileSchema()).filter((key) => !told.has(key));
    assert.deepEqual(untold, []);
  });

  it("resolves every link to a heading", () => {
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, text]) =>
      (text ?? "")
        .toLowerCase()
        .replace(/[^a-z0-9_\- ]/g, "")
        .replaceAll(" ", "-"),
    );
    assert.equal(new Set(headings).size, headings.length, "two headings share an anchor");
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map((match) => match[1] ?? "");
    assert.ok(links.length > 40);
    assert.deepEqual(
      links.filter((link) => !headings.includes(link)),
      [],
    );
  });

  it("shows bounds, defaults and secrets", () => {
    const row = (key: string) => page.split("\n").find((line) => line.includes(`\`${key}\``)) ?? "";
    assert.match(row("validity"), /duration from 2d to 398d \| `90d` \|/);
    assert.match(row("caPrivateKey"), /^\| \*\*`caPrivateKey`\*\* \| text, as a Pulumi secret \|/);
    assert.match(row("backendRequest"), /\| duration \|/);
    assert.match(row("perConnectionBufferLimit"), /\| size from 1Ki to 1Gi \| `32Ki` \|/);
    assert.match(row("hardening"), /\| `false`, or \[gateway\.hardening\]\(#gatewayhardening\) \|/);
  });
});

/** Names of all keys at any depth of a schema, except Pulumi's own. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) {
    return [];
  }
  return Object.entries(schema).flatMap(([name, value]) =>
    name === "properties"
      ? Object.keys(value as object)
          .map((key) => key.replace("istio-gateway:", ""))
          .filter((key) => key !== "secure" && key !== "config")
          .concat(Object.values(value as object).flatMap(keysOf))
      : keysOf(value),
  );
}
