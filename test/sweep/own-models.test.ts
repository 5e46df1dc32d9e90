import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { matrixOf } from '../../lib/report/matrix.js'
import { plan } from '../../lib/sweep/sweep-plan.js'
import { place } from '../train/runs.js'

mkdirSync(place('node_modules'))
symlinkSync(packageRoot(), place('node_modules/lvm-torch'), 'junction')
const declare = (name: string) => {
  const path = place(`${name}.mjs`)
  writeFileSync(
    path,
    `import { architecture, linear, named } from 'lvm-torch/spec'
export default architecture({ name: 'mine', causal: true, width: () => 4, trunk: ({ dim }) => named('up', linear({ in: dim, out: 4 })) })`,
  )
  return path
}
const file = declare('mine')
const options = { data: 'x', out: place('runs'), evaluation: place('evaluation') }
const cellsOf = async (more: object) => (await plan({ ...options, ...more })).sweep.cells

it('a sweep trains the architectures of files alone, or beside models by name', async () => {
  expect(await cellsOf({ modelFile: file })).toMatchObject([{ model: 'mine', model_file: file, run: 'mine' }])
  const both = await cellsOf({ modelFile: file, models: 'gru', folds: 2 })
  expect(both.map(({ run, model_file }) => [run, model_file])).toEqual([
    ['gru_stacked-fold1of2', undefined],
    ['gru_stacked-fold2of2', undefined],
    ['mine-fold1of2', file],
    ['mine-fold2of2', file],
  ])
  await expect(cellsOf({ modelFile: `${file},${declare('again')}` })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(cellsOf({ modelFile: place('none.mjs') })).rejects.toMatchObject({ code: 'FILE_MISSING' })
})

it('an architecture of a file that failed in a sweep has a row in the matrix', async () => {
  const [cell] = await cellsOf({ modelFile: file })
  const failed = { ...cell!, state: 'failed', error: { code: 'DIVERGED', message: 'x' } } as const
  const rows = matrixOf([], [failed], 'runs')
  expect(rows.at(-1)).toMatchObject({ row: null, model: 'mine', status: 'failed', why: 'DIVERGED: x', run: null })
})
