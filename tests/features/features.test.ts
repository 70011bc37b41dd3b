import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "yaml";
import { UnifiedGateway } from "../../components/unifiedGateway";
import type { StackConfig } from "../../config";
import { serviceSchema } from "../../config/schema/service";
import { routeMap } from "../../emit/routeMap";
import { changes } from "../../review/changes";
import { diagnose } from "../../verify/diagnosis";
import { Draw } from "../fuzz/support/draw";
import { AUTHORITY } from "../fuzz/support/material";
import { drawStack } from "../fuzz/support/stack";
import { register, type Registered } from "../support/deployment";
import { mistakes, plain, stack } from "../support/stacks";
import { FEATURES, type Feature, type None } from "./table";

const DOCS = join(__dirname, "..", "..", "docs");

const OTHER = { name: "sibling", namespace: "apps" };

const isNone = (part: object): part is None => "none" in part;

/** A stack with a service that has a feature or not, and another. */
function stacks({ example, stack: more = {} }: Feature): Record<"before" | "after", StackConfig<number>> {
  const service = { name: "web", namespace: "apps" };
  return {
    before: stack({ ...more, services: [service, OTHER] }),
    after: stack({ ...more, services: [{ ...service, ...example }, OTHER] }),
  };
}

/** The objects of a stack, by kind, as text. */
async function objects(config: StackConfig<number>): Promise<Map<string, string[]>> {
  const resources: Registered[] = await register(() => new UnifiedGateway("gateway", config));
  const found = new Map<string, string[]>();
  for (const { type, inputs } of resources.filter((resource) => resource.type.startsWith("kubernetes:"))) {
    const kind = type.split(":")[2] ?? "";
    found.set(kind, [...(found.get(kind) ?? []), JSON.stringify(plain(inputs))].sort());
  }
  return found;
}

/** Every map of keys in the YAML of the docs, however deep. */
function mapsOfDocs(): Record<string, unknown>[] {
  const pages = readdirSync(DOCS).filter((name) => name.endsWith(".md") && name !== "config.md");
  const blocks = pages.flatMap((page) =>
    [...readFileSync(join(DOCS, page), "utf8").matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? ""),
  );
  const look = (value: unknown): Record<string, unknown>[] => {
    if (Array.isArray(value)) {
      return value.flatMap(look);
    }
    return typeof value === "object" && value !== null
      ? [value as Record<string, unknown>, ...Object.values(value).flatMap(look)]
      : [];
  };
  return blocks.flatMap((block) => look(parse(block)));
}

describe("features", () => {
  const documented = new Set(mapsOfDocs().flatMap(Object.keys));
  const drawn = new Set<string>();

  before(async () => {
    const authority = await AUTHORITY;
    const runs = fc.sample(
      fc.gen().map((generate) => drawStack(new Draw(generate), authority)),
      { seed: 1, numRuns: 150 },
    );
    for (const service of runs.flatMap(({ values }) => values.services as Record<string, unknown>[])) {
      Object.keys(service).forEach((key) => drawn.add(key));
    }
  });

  it("are the keys of a service's schema", () => {
    assert.deepEqual(Object.keys(FEATURES).sort(), Object.keys(serviceSchema.shape).sort());
  });

  for (const [key, feature] of Object.entries(FEATURES)) {
    describe(key, () => {
      const { before: without, after: having } = stacks(feature);

      it("has a rule that refuses what cannot work, with a message", () => {
        const service = { name: "web", namespace: "apps", ...feature.refused.service };
        const found = mistakes({ gateway: { clientAddress: { trustedProxies: 0 } }, services: [service] });
        assert.match(found.join("\n"), feature.refused.expected);
      });

      it("changes an object", async () => {
        const [old, next] = [await objects(without), await objects(having)];
        assert.notDeepEqual(next.get(feature.object), old.get(feature.object), feature.object);
      });

      it("has words in the review", () => {
        const texts = changes(without, having).map(({ text }) => text);
        assert.ok(
          texts.some((text) => feature.review.test(text)),
          texts.join("\n"),
        );
      });

      it("shows in the route map", () => {
        if (isNone(feature.routeMap)) {
          assert.ok(feature.routeMap.none.length > 0);
          return;
        }
        assert.match(routeMap("test", having), feature.routeMap);
        assert.doesNotMatch(routeMap("test", without), feature.routeMap);
      });

      it("is named by verify as a cause", () => {
        if (isNone(feature.verify)) {
          assert.ok(feature.verify.none.length > 0);
          return;
        }
        const answer = { status: 200, headers: {}, body: "", ...feature.verify.answer };
        const host = having.services[0]?.host ?? "";
        assert.match(diagnose(answer, host, having).cause ?? "", feature.verify.cause);
      });

      it("is drawn by the fuzzers and shown in the docs", () => {
        assert.ok(drawn.has(key), "tests/fuzz/support/services.ts draws it");
        assert.ok(documented.has(key), "a YAML block of docs/ has it");
      });
    });
  }
});
