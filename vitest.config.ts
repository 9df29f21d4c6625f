import { defineConfig } from 'vitest/config';

/** Tests read the sources through the `pipeline-source` condition, so only tests of the packed product need a build. */
const conditions = ['pipeline-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
