import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const OUTPUT = "../segmentation/static/segmentation";

export default defineConfig({
  base: "/static/segmentation/",
  plugins: [svelte()],
  publicDir: false,
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // One style sheet: a lazy chunk never waits for a second one, and the shell names it for ever.
    cssCodeSplit: false,
    rollupOptions: {
      input: { app: "src/main.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "chunks/[name]-[hash].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css")) ? "app.css" : "assets/[name]-[hash][extname]",
      },
    },
  },
  worker: {
    format: "es",
    rollupOptions: { output: { entryFileNames: "workers/[name]-[hash].js" } },
  },

  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
