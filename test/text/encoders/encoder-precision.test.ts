import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Encoder } from '../../../lib/index.js'
import { expected, FIXTURES, NAMES } from './expect-encoder.js'

test.each(NAMES)('%s in bf16 stays near float32', async (name) => {
  const folder = join(FIXTURES, name)
  const { texts } = expected(folder)
  using exact = await Encoder.open(folder, { normalize: 'always' })
  using rounded = await Encoder.open(folder, { normalize: 'always', precision: 'bf16' })
  const [x, y] = [await exact.encode(texts), await rounded.encode(texts)]
  expect(y).not.toEqual(x)
  for (let at = 0; at < x.length; at += exact.dim) {
    const cosine = x.subarray(at, at + exact.dim).reduce((sum, value, i) => sum + value * y[at + i]!, 0)
    expect(cosine).toBeGreaterThan(0.995)
  }
})
