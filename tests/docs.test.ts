import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { loadStackFile, readStackFile } from "../config/load/stackFile";
import { PULUMIS_BOUND, readYaml } from "../config/load/yamlFile";
import { loadConfig } from "../config/load/load";
import { STACK_KEYS } from "../config/schema/stack";
import { testAuthority } from "./support/certificates";
import { stack } from "./support/stacks";

const ROOT = join(__dirname, "..");
const PAGES = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md"),
);
const read = (page: string) => readFileSync(join(ROOT, page), "utf8");
const FENCED = /^```.*\n[\s\S]*?^```$/gm;
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

  it("deploy the stack file of README.md, with its defaults and its lists of services", () => {
    const text = read("README.md");
    const blocks = yamlBlocks(text.slice(text.indexOf("## On your cluster")));
    assert.equal(blocks.length, 2);
    const [stackYaml = "", projectYaml = ""] = blocks;
    const [, line = ""] = /`(istio-gateway:serviceFiles: .*)`/.exec(text) ?? [];
    const { "istio-gateway:serviceFiles": files } = parse(line) as { "istio-gateway:serviceFiles": string[] };
    const folder = mkdtempSync(join(tmpdir(), "docs-"));
    try {
      for (const [index, file] of files.entries()) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), `- { name: more-${index}, namespace: apps }\n`);
      }
      writeFileSync(join(folder, "Pulumi.yaml"), projectYaml);
      writeFileSync(join(folder, "Pulumi.STACK.yaml"), `${stackYaml}  ${line}\n`);
      const { domains, gateway, services } = loadStackFile(join(folder, "Pulumi.STACK.yaml"));
      assert.deepEqual([domains.join(), gateway.namespace], ["example.com", "istio-ingress"]);
      assert.deepEqual(
        services.map(({ host }) => host),
        ["grafana", ...files.map((_, index) => `more-${index}`)].map((name) => `${name}.example.com`),
      );
      assert.ok(services.every(({ rules }) => rules.every(({ timeouts }) => timeouts.request === "15s")));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("show an error as the program words it", () => {
    const [, shown] = /^```\nerror: (stack config has [\s\S]*?)\n```$/m.exec(read("README.md")) ?? [];
    const web = { name: "web", namespace: "apps" };
    const values = { gateway: { adress: "192.0.2.7" }, services: [web, { ...web, name: "api", port: 70000 }] };
    assert.throws(() => stack(values), { message: shown });
  });

  it("show config that loads", async () => {
    const { certificatePem } = await testAuthority(30);
    // README.md has tests of its own.
    const pages = PAGES.filter((page) => page !== "README.md" && yamlBlocks(read(page)).length > 0);
    assert.deepEqual(pages, [
      "docs/access.md",
      "docs/features.md",
      "docs/hosts.md",
      "docs/infrastructure.md",
      "docs/operations.md",
    ]);
    for (const block of pages.flatMap((page) => yamlBlocks(read(page)))) {
      const text = block.replace('"-----BEGIN CERTIFICATE-----…"', JSON.stringify(certificatePem));
      const { value, misreads } = readYaml(text, PULUMIS_BOUND);
      assert.deepEqual(misreads, [], block);
      assert.doesNotThrow(() => stack(asStack(value)), block);
    }
  });

  it("link only to files and headings that exist", () => {
    const broken: string[] = [];
    for (const page of PAGES) {
      for (const [, path = "", anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
        const target = relative(ROOT, path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path));
        if (!existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(read(target)).includes(anchor))) {
          broken.push(`${page}: ${path}${anchor === undefined ? "" : `#${anchor}`}`);
        }
      }
    }
    assert.deepEqual(broken, []);
  });

  it("silence npm where its output goes to a file or to another command", () => {
    const loud: string[] = [];
    for (const page of PAGES) {
      const text = read(page);
      // Without comments. In the text, `|` separates a table's cells.
      const lines = [...text.matchAll(FENCED)].flatMap(([block]) => block.replace(/(^|\s)#.*$/gm, "").split("\n"));
      const spans = [...text.replace(FENCED, "").matchAll(/`[^`\n]+`/g)].map(([span]) => span);
      const isLoud = (command: string) => /npm run (?!-s |--silent )[^>|]*[>|]/.test(command);
      loud.push(...[...lines, ...spans].filter(isLoud).map((command) => `${page}: ${command}`));
    }
    assert.deepEqual(loud, []);
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
  // One of both.
  const domain = "domains" in keys ? { domain: undefined } : {};
  const isStack = Object.keys(keys).every((key) => (STACK_KEYS as readonly string[]).includes(key));
  return isStack
    ? { services: [{ name: "web", namespace: "apps" }], ...domain, ...keys }
    : { ...needed, services: [{ name: "grafana", namespace: "monitoring", port: 3000, ...keys }] };
}

/** The anchors that GitHub gives to a page's headings. */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...text.replace(FENCED, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    const earlier = seen.get(slug) ?? 0;
    seen.set(slug, earlier + 1);
    return earlier === 0 ? slug : `${slug}-${earlier}`;
  });
}
