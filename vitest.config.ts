import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts"],
    globalSetup: "src/testing/own-temporary-folder.ts",
    // Generous, since nothing is decided by time: what hangs is cut off, what is slow is not.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
