import { expect, it } from 'vitest'
import { besideRidge } from '../../bin/commands/demo.js'

const run = (name: string, mean: number) =>
  ({
    run: name,
    n: 1234,
    cosine: { mean },
    baselines: { ridge: { cosine: 0.49 } },
  }) as unknown as Parameters<typeof besideRidge>[0][number]

it('the demo compares its models with ridge regression in one sentence', () => {
  expect(besideRidge([run('a', 0.48), run('b', 0.4)])).toBe(
    'Ridge regression has a mean cosine of .4900 on these 1,234 windows, and none of the models is above it: a .4800 (−.0100), b .4000 (−.0900).',
  )
  expect(besideRidge([run('a', 0.5), run('b', 0.4)])).toContain('only a is above it: a .5000 (+.0100)')
  expect(besideRidge([run('a', 0.5), run('b', 0.6)])).toContain('all of the models are above it')
  expect(besideRidge([run('a', 0.5), run('b', 0.6), run('c', 0.1)])).toContain('only a and b are above it')
})
