import tseslint from "typescript-eslint";

// Type-aware lint. Formatting is Biome's, import direction is dependency-cruiser's.
export default tseslint.config(
  { ignores: ["dist", "coverage", "node_modules", ".venv-moto", "reports"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: [] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A guard against AWS data that is not what its types say is wanted, not a mistake.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      "no-empty": ["error", { allowEmptyCatch: false }],
    },
  },
  { files: ["**/*.js", "**/*.mjs", "**/*.cjs"], ...tseslint.configs.disableTypeChecked },
  { files: ["**/*.mjs", "bench/**"], rules: { "no-console": "off" } },
  { files: ["test/**", "**/*.test.ts"], rules: { "@typescript-eslint/no-non-null-assertion": "off" } },
);
