import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

const ROOMS = ["api", "app", "components", "domain", "pages", "state", "tools", "viewer", "workers"];

/** Which rooms a room may import from; its own files and messages/ are always allowed. */
const MAY_IMPORT = {
  domain: [],
  workers: ["domain"],
  state: ["domain"],
  api: ["domain", "state"],
  tools: ["state", "domain"],
  viewer: ["state", "domain", "workers"],
  components: ["state", "domain"],
  pages: ["components", "tools", "viewer", "api", "state", "app"],
  app: ["pages", "components", "api", "state"],
};

const directions = Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
  files: [`src/${room}/**/*.{ts,svelte}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: ROOMS.filter((other) => other !== room && !allowed.includes(other)).map((other) => ({
          regex: `^(\\.\\./)+${other}(/|$)`,
          message: `${room} may not import ${other}: see "Who may import whom".`,
        })),
      },
    ],
  },
}));

export default ts.config(
  { ignores: ["node_modules/", "src/api/generated/"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.worker } },
    rules: {
      "no-undef": "off",
      // Sets and maps are replaced whole, under $state.raw: nothing is tracked inside them.
      "svelte/prefer-svelte-reactivity": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-lines": ["error", 400],
      eqeqeq: "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig },
    },
  },
  {
    files: ["src/**/*.{ts,svelte}"],
    ignores: ["src/api/**"],
    rules: { "no-restricted-globals": ["error", { name: "fetch", message: "Only api/ may fetch." }] },
  },
  {
    files: ["src/**/*.svelte"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "SvelteAttribute[key.name='style']", message: "A strict CSP blocks style attributes: use style:property." },
      ],
    },
  },
  ...directions,
);
