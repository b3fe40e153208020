import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "src/wire/gen"] },
  eslint.configs.recommended,
  tseslint.configs.strict,
  tseslint.configs.stylistic,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // An interface and a type of an object are the same to a reader; what reads best is used.
      "@typescript-eslint/consistent-type-definitions": "off",
      // A callback that does nothing is a value like any other.
      "@typescript-eslint/no-empty-function": "off",
      "no-console": "error",
      "no-param-reassign": "error",
      "object-shorthand": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["**/*.test.ts", "src/**/testing/**", "src/**/testing.ts", "src/e2e/**"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    files: ["scripts/**", "bench/**", "*.js", "*.cjs"],
    languageOptions: {
      globals: {
        console: "readonly",
        process: "readonly",
        module: "writable",
        URL: "readonly",
        Buffer: "readonly",
        AbortController: "readonly",
      },
    },
    rules: { "no-console": "off" },
  },
);
