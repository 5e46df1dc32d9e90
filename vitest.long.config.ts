import { defineConfig } from 'vitest/config'

/** The checks that take minutes, need a network or a Python with PyTorch, and all cases of long tables: `npm run test:long`. */
export default defineConfig({
  test: {
    include: [
      'test/long/**/*.test.ts',
      'test/architectures/memory.test.ts',
      'test/audit/{audit-planted,audit-sequences}.test.ts',
      'test/package/types.test.ts',
      'test/study/{ceiling/ceiling,diagnose/patterns}.test.ts',
    ],
    env: { LVM_TORCH_TEST_LONG: '1' },
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    pool: 'forks',
    poolOptions: { forks: { singleFork: true } },
  },
})
