import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..", "..", "..");

/** The functions that fill in a service, a rule and a stack, and the file of each. */
const FUNCTIONS = [
  { file: "service.ts", name: "resolveService" },
  { file: "service.ts", name: "resolvePath" },
  { file: "stack.ts", name: "resolveStack" },
] as const;

interface Variant {
  readonly field: string;
  /** The function without the line that copies the field, under another name. */
  readonly text: string;
}

/** The object literal that a function fills in: the one with the most fields. */
function filledIn(body: ts.Node): ts.ObjectLiteralExpression {
  const found: ts.ObjectLiteralExpression[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      found.push(node);
    }
    ts.forEachChild(node, look);
  };
  look(body);
  const [largest] = found.sort((a, b) => b.properties.length - a.properties.length);
  assert.ok(largest);
  return largest;
}

function variantsOf(source: ts.SourceFile, name: string): Variant[] {
  const declaration = source.statements.find(
    (statement): statement is ts.FunctionDeclaration =>
      ts.isFunctionDeclaration(statement) && statement.name?.text === name,
  );
  assert.ok(declaration?.name && declaration.body);
  const { name: identifier, body } = declaration;
  const text = source.text.slice(identifier.end, declaration.end);
  return filledIn(body).properties.map((property) => {
    const field = property.name?.getText(source) ?? "";
    const [from, to] = [property.getFullStart() - identifier.end, property.end - identifier.end];
    // The comma that follows goes too.
    const rest = text.slice(to).replace(/^,/, "");
    return { field, text: `export function ${name}_without_${field}${text.slice(0, from)}${rest}` };
  });
}

/** What the compiler reports for a file with this text instead of what is on disk. */
function errorsOf(path: string, text: string): readonly ts.Diagnostic[] {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (file, language, ...rest) =>
    file === path ? ts.createSourceFile(file, text, language, true) : read(file, language, ...rest);
  const program = ts.createProgram([path], options, host);
  return program.getSemanticDiagnostics(program.getSourceFile(path));
}

describe("config/resolve", function () {
  // The compiler reads all types of the config once per file.
  this.timeout(120_000);

  for (const file of new Set(FUNCTIONS.map((one) => one.file))) {
    it(`does not compile without any one of the lines of ${file} that copy a field`, () => {
      const path = join(ROOT, "config", "resolve", file);
      const text = readFileSync(path, "utf8");
      const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      const variants = FUNCTIONS.filter((one) => one.file === file).flatMap(({ name }) => variantsOf(source, name));
      assert.ok(variants.length >= 10);
      let end = text.length;
      const places = variants.map((variant) => {
        const from = end;
        end += variant.text.length + 1;
        return { ...variant, from, to: end };
      });
      const errors = errorsOf(path, [text, ...variants.map((variant) => `${variant.text}\n`)].join(""));
      const at = ({ from, to }: { from: number; to: number }) =>
        errors.filter(({ start = 0 }) => start >= from && start < to);
      assert.deepEqual(
        at({ from: 0, to: text.length }).map(({ messageText }) => messageText),
        [],
        "the file itself compiles",
      );
      const silent = places.filter((place) => at(place).length === 0).map(({ field }) => field);
      assert.deepEqual(silent, [], "fields that could be forgotten");
    });
  }
});
