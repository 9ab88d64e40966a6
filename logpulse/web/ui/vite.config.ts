import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // relative, so that a prefix behind a proxy works
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy has no data: scripts or styles
    license: { fileName: "licences.md" }, // third-party licences ship with what is built from them
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
