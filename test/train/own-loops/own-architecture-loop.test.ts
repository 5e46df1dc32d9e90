import { expect, test } from 'vitest'
import { createModel, load, saveModel, torch } from '../../../lib/index.js'
import { architecture, integer, linear, named } from '../../../lib/spec/index.js'
import { place } from '../runs.js'

const mine = architecture({
  name: 'mine',
  causal: true,
  fields: { width: integer({ default: 8, min: 1, about: 'hidden dimension' }) },
  width: ({ width }) => width,
  trunk: ({ dim, width }) => named('up', linear({ in: dim, out: width })),
})

test('an architecture of one’s own is created, saved, loaded without its declaration, and saved again', async () => {
  using fresh = await createModel({ model: mine, dim: 16, context: 4, width: 12 })
  const x = torch.ones([2, 4, 16])
  const expected = await fresh.forward(x).tolist()
  const out = place('own-architecture-runs')
  using loaded = await load(await saveModel(fresh, { out }))
  expect(loaded.manifest).toMatchObject({ model: 'mine', folder: 'mine', architecture: { causal: true } })
  expect(loaded.manifest.options.model).toMatchObject({ width: 12 })
  using again = await load(await saveModel(loaded, { out, name: 'again' }))
  expect(await again.forward(x).tolist()).toEqual(expected)
})

test('createModel refuses an architecture of one’s own with the name of a model of the package', async () => {
  const named = { ...mine, name: 'lstm', folder: 'lstm' }
  await expect(createModel({ model: named, dim: 16 })).rejects.toMatchObject({ name: 'LvmError' })
})
