import { defineConfig } from 'vitest/config'

/** The checks that take minutes, need a network or a Python with PyTorch: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    pool: 'forks',
    poolOptions: { forks: { singleFork: true } },
  },
})
