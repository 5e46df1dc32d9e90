import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Encoder } from '../../../lib/index.js'
import { expected, expectPython, FIXTURES, NAMES } from './expect-encoder.js'

test.each(NAMES)('%s gives the token ids and, with every pooling, the vectors of transformers', (name) =>
  expectPython(join(FIXTURES, name)),
)

test('vectors do not depend on the texts around, nor on the size of the batch', async () => {
  const folder = join(FIXTURES, 'tiny-mpnet')
  const { texts } = expected(folder)
  using encoder = await Encoder.open(folder)
  const [all, alone] = [await encoder.encode(texts), await encoder.encode([texts[3]!])]
  const dim = encoder.dim
  for (let i = 0; i < dim; i++) expect(alone[i]).toBeCloseTo(all[3 * dim + i]!, 6)
})
