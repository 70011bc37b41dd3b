import { writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json";

/**
 * Part of `npm run build`: writes dist/package.json, for the package that other programs import. The repository's own
 * manifest exports nothing, because Pulumi would run that as the program.
 */
const { name, version, description, engines, dependencies } = manifest;
const entry = { types: "./components/index.d.ts", default: "./components/index.js" };
writeFileSync(
  join(__dirname, "..", "dist", "package.json"),
  `${JSON.stringify(
    {
      name,
      version,
      description,
      engines,
      main: entry.default,
      types: entry.types,
      exports: { ".": entry },
      dependencies,
    },
    null,
    2,
  )}\n`,
);
