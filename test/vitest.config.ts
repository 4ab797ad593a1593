import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(`../packages/${path}`, import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  // Tests run on the sources, so that one file can be tested without a build. Tests with real processes
  // start the built `quorate` command; `npm test` builds first.
  resolve: {
    alias: [
      { find: /^@quorate\/raft\/core$/, replacement: source("raft/src/core/index.ts") },
      { find: /^@quorate\/raft\/level$/, replacement: source("raft/src/storage/level.ts") },
      { find: /^@quorate\/raft\/memory$/, replacement: source("raft/src/memory.ts") },
      { find: /^@quorate\/raft\/tcp$/, replacement: source("raft/src/transport/tcp.ts") },
      { find: /^@quorate\/raft\/testing$/, replacement: source("raft/src/testing/index.ts") },
      { find: /^@quorate\/server\/load$/, replacement: source("server/src/load/index.ts") },
      { find: /^@quorate\/server\/testing$/, replacement: source("server/src/testing/index.ts") },
      { find: /^@quorate\/(\w+)$/, replacement: source("$1/src/index.ts") },
    ],
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
