import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Encoder } from '../../../lib/index.js'
import { expectPython, FIXTURES, NAMES } from './expect-encoder.js'

test.each(NAMES)('%s gives the token ids and, with every pooling, the vectors of transformers', (name) =>
  expectPython(join(FIXTURES, name)),
)

test.each(NAMES)('%s gives a text the same vector alone and in batches of every size', async (name) => {
  using encoder = await Encoder.open(join(FIXTURES, name))
  const { dim } = encoder
  const texts = Array.from({ length: 150 }, (_, i) => 'a river runs to the sea '.repeat(1 + (i % 5)) + i)
  const alone = await Promise.all(texts.map((text) => encoder.encode([text])))
  for (const n of [2, 11, 37, 150]) {
    const together = await encoder.encode(texts.slice(0, n))
    expect(together).toHaveLength(n * dim)
    for (let i = 0; i < n * dim; i++) expect(Math.abs(together[i]! - alone[Math.floor(i / dim)]![i % dim]!)).toBeLessThan(2e-6)
  }
})
