import { defineConfig } from 'vitest/config';

/** They measure how late the event loop is, or how long others wait: nothing else may run beside them. */
const ALONE = ['test/gateway/bodies.test.ts', 'test/arguments/gateway.test.ts', 'test/faults/**/*.test.ts'];

const common = {
  pool: 'forks' as const,
  // Real processes take their time to start when several do at once on a small machine.
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    projects: [
      // Most of a test's time is waiting for processes: two side by side are no slower each on two cores.
      { test: { ...common, name: 'tests', include: ['test/**/*.test.ts'], exclude: ALONE, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { test: { ...common, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
