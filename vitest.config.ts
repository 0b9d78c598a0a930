import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most of a test's time is waiting for processes: two side by side are no slower each on two cores.
    maxWorkers: 2,
    // Real processes take their time to start when several do at once on a small machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
