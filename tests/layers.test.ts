import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { preProcessFile } from "typescript";

const ROOT = join(__dirname, "..");

/**
 * The layers, lowest first. A file belongs to the first that matches its path, and may import from lower layers and from its own
 * folder. `*` is a domain: access, certificate, entry, routing, limits, backends, telemetry, cluster. Domains do not import each
 * other.
 */
const LAYERS: readonly string[] = [
  "config/values/",
  "config/schema/fields.ts",
  "config/schema/*/",
  "config/schema/",
  "config/resolve/",
  "config/rules/checkedStack.ts",
  "config/rules/*/",
  "config/rules/",
  "config/load/",
  "config/",
  "kinds/",
  "components/shared/",
  "components/*/",
  "components/",
  "emit/",
  "policy/",
  "cli/",
  "verify/",
  "review/",
  "scripts/",
  "istio/",
  "lab/",
  "bench/",
  "index.ts",
  "tests/",
];

const DOMAINS = ["access", "certificate", "entry", "routing", "limits", "backends", "telemetry", "cluster"];

type Imports = ReadonlyMap<string, readonly string[]>;

function sources(folder = ""): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return /^(node_modules|dist|examples|\..*)$/.test(entry.name) ? [] : sources(path);
    }
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** What each file imports of the repository, types included. */
function importsOf(files: readonly string[]): Imports {
  return new Map(
    files.map((file) => {
      const { importedFiles } = preProcessFile(readFileSync(join(ROOT, file), "utf8"));
      const found = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith("."));
      const base = (name: string) => normalize(join(dirname(file), name));
      const targets = found.map((name) => [`${base(name)}.ts`, join(base(name), "index.ts")]);
      return [file, targets.flatMap((paths) => paths.find((path) => existsSync(join(ROOT, path))) ?? [])];
    }),
  );
}

function layerOf(file: string): number {
  return LAYERS.findIndex((layer) => new RegExp(`^${layer.replace("*", "[^/]+")}`).test(file));
}

/** Imports from a higher layer, or from another domain. */
function upward(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => {
        const [from, to] = [layerOf(file), layerOf(target)];
        const isSideways = from === to && LAYERS[from]?.includes("*") === true && dirname(file) !== dirname(target);
        return to > from || isSideways;
      })
      .map((target) => `${file} imports ${target}`),
  );
}

/** A circle of imports, as its files in order; undefined if there is none. */
function circle(imports: Imports): string[] | undefined {
  const done = new Set<string>();
  const look = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) {
      return [...path.slice(path.indexOf(file)), file];
    }
    if (done.has(file)) {
      return undefined;
    }
    for (const target of imports.get(file) ?? []) {
      const found = look(target, [...path, file]);
      if (found !== undefined) {
        return found;
      }
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const found = look(file, []);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

describe("layers", () => {
  const imports = importsOf(sources());

  it("has a layer for every file", () => {
    assert.deepEqual(
      [...imports.keys()].filter((file) => layerOf(file) < 0),
      [],
    );
  });

  it("lets no file import from a higher layer, nor one domain from another", () => {
    assert.deepEqual(upward(imports), []);
  });

  it("has no circle of imports, types included", () => {
    assert.equal(circle(imports), undefined);
  });

  it("has the same domains in each layer, and no flat files except the layer's own", () => {
    for (const layer of ["config/schema", "config/rules", "components"]) {
      const folders = readdirSync(join(ROOT, layer), { withFileTypes: true }).filter((entry) => entry.isDirectory());
      const unknown = folders.map(({ name }) => name).filter((name) => ![...DOMAINS, "shared"].includes(name));
      assert.deepEqual(unknown, [], layer);
      const flat = readdirSync(join(ROOT, layer)).filter((name) => name.endsWith(".ts"));
      assert.ok(flat.length <= 6, `${layer} has ${flat.length} files flat: ${flat.join(", ")}`);
    }
  });

  it("detects an import from a higher layer, one between domains, and a circle", () => {
    const planted = (file: string, target: string) => new Map([...imports, [file, [target]]]);
    assert.deepEqual(upward(planted("config/values/cidr.ts", "components/index.ts")), [
      "config/values/cidr.ts imports components/index.ts",
    ]);
    assert.deepEqual(upward(planted("components/access/access.ts", "components/entry/dnsRecords.ts")), [
      "components/access/access.ts imports components/entry/dnsRecords.ts",
    ]);
    const [first, second] = ["config/values/cidr.ts", "config/values/problem.ts"];
    assert.deepEqual(circle(new Map([...imports, [first, [second]], [second, [first]]])), [first, second, first]);
  });

  it("reads the imports of this file", () => {
    assert.deepEqual(imports.get(relative(ROOT, __filename)), []);
  });
});
