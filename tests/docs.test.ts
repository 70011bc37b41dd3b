import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { readStackFile } from "../config/load/stackFile";
import { PULUMIS_BOUND, readYaml } from "../config/load/yamlFile";
import { loadConfig } from "../config/load/load";
import { STACK_KEYS } from "../config/schema/stack";
import { testAuthority } from "./support/certificates";
import { stack } from "./support/stacks";

const ROOT = join(__dirname, "..");
const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);
const read = (page: string) => readFileSync(join(ROOT, page), "utf8");
const yamlBlocks = (text: string) => [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? "");

describe("docs", () => {
  it("add a service to dev by copying five lines", () => {
    const text = read("README.md");
    const [block = ""] = yamlBlocks(text.slice(text.indexOf("## Add a service")));
    assert.equal(block.trim().split("\n").length, 5);
    const given = readStackFile(join(ROOT, "Pulumi.dev.yaml"));
    const services = [...(given.values.services as unknown[]), ...(parse(block) as unknown[])];
    const { services: found } = loadConfig({ ...given, values: { ...given.values, services } });
    assert.ok(found.some(({ host }) => host === "wiki.zzppjj.top"));
  });

  it("show config that loads", async () => {
    const { certificatePem } = await testAuthority(30);
    const blocks = yamlBlocks(read("docs/features.md"));
    assert.ok(blocks.length >= 15);
    for (const block of blocks) {
      const text = block.replace('"-----BEGIN CERTIFICATE-----…"', JSON.stringify(certificatePem));
      const { value, misreads } = readYaml(text, PULUMIS_BOUND);
      assert.deepEqual(misreads, [], block);
      assert.doesNotThrow(() => stack(asStack(value)), block);
    }
  });

  it("link only to files and headings that exist", () => {
    const broken: string[] = [];
    for (const page of PAGES) {
      for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
        if (!existsSync(join(ROOT, dirname(page), target))) {
          broken.push(`${page}: ${target}`);
        }
      }
    }
    assert.deepEqual(broken, []);
  });
});

/** A stack made from what a block shows: services, keys of a stack, or keys of a service. */
function asStack(value: unknown): Record<string, unknown> {
  // Address lists require it.
  const needed = { gateway: { clientAddress: { trustedProxies: 0 } } };
  if (Array.isArray(value)) {
    return { services: value };
  }
  const keys = Object.fromEntries(
    Object.entries(value as object).map(([key, entry]) => [key.replace("istio-gateway:", ""), entry as unknown]),
  );
  const isStack = Object.keys(keys).every((key) => (STACK_KEYS as readonly string[]).includes(key));
  return isStack
    ? { services: [{ name: "web", namespace: "apps" }], ...keys }
    : { ...needed, services: [{ name: "grafana", namespace: "monitoring", port: 3000, ...keys }] };
}
