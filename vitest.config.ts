import { defineConfig } from 'vitest/config'

/** What measures how fast a killed gateway is back must not share the processors with other tests: it runs after them, alone. */
const alone = ['test/e2e/kill9.test.ts']

// Real processes, sockets and files: a fork per test file keeps them apart.
const common = { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'together',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: alone,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'alone', include: alone, sequence: { groupOrder: 1 } } },
    ],
  },
})
