import { defineConfig } from 'vitest/config';

/** Tests read the sources through `pipeline-source`, so only those of the packed product need a build; Node adds conditions of its own. */
const conditions = ['pipeline-source', 'node'];

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
