import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    // The examples import what `npm run build` makes: their own compiler checks them, in tests/e2e/examples.test.ts.
    ignores: ["node_modules/", "dist/", "examples/"],
  },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Pulumi registers a resource by constructing it.
      "no-new": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
);
