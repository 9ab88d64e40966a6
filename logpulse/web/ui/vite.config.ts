import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

// A running server for `vite dev`, whose routes then answer beneath the page's own.
const server = loadEnv("", ".", "LOGPULSE_").LOGPULSE_URL ?? "http://127.0.0.1:3100";

export default defineConfig({
  base: "./", // relative, so that a prefix behind a proxy works
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy has no data: scripts or styles
    license: { fileName: "licences.md" }, // third-party licences ship with what is built from them
  },
  server: {
    proxy: {
      "^/(query|labels|volume|context|fields|parse|export|health|ingest|ui|stream)($|[/?])": {
        target: server,
        ws: true,
        changeOrigin: true,
        rewriteWsOrigin: true,
      },
    },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
