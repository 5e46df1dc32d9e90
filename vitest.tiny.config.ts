import { defineConfig } from 'vitest/config'

/** The tiny suite: every architecture in its tiny preset, a training, its checkpoint, and tensors. It shows that an addon works. */
export default defineConfig({
  test: {
    include: [
      'test/architectures/{every,gradients}.test.ts',
      'test/checkpoint/{golden,model}.test.ts',
      'test/torch/{call,multiplier,tensor,tensor-from}.test.ts',
      'test/train/train.test.ts',
    ],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    poolOptions: { forks: { maxForks: 2 } },
  },
})
