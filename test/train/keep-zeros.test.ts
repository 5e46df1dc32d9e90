import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isTensorEntry, openPt } from '../../lib/files/pt.js'
import { prune } from '../../lib/index.js'
import { readTensor } from '../../lib/torch/read-tensor.js'
import { place, resultOf, TINY, trained, vectorFile } from './runs.js'

/** Positions of the zeros of every matrix in one state dict of a checkpoint. */
async function zerosOf(path: string, dict: string): Promise<Map<string, number[]>> {
  const file = await openPt(path)
  const found = new Map<string, number[]>()
  for (const [name, entry] of (file.value as Map<string, Map<string, unknown>>).get(dict)!) {
    if (!isTensorEntry(entry) || entry.shape.length !== 2) continue
    using tensor = await readTensor(file, entry)
    const values = await tensor.data()
    found.set(
      name,
      Array.from(values, Number).flatMap((value, i) => (value === 0 ? [i] : [])),
    )
  }
  return found
}

it('a pruned weight stays zero with --keep-zeros in a training, in its resumption and in the average of the weights', async () => {
  const data = await vectorFile('keep-zeros')
  await trained({ ...TINY, model: 'mlp', data, name: 'dense' })
  await prune({ run: join(place('runs'), 'dense'), sparsity: 0.5, maxDrop: 1, name: 'pruned', latency: 0.01 })
  const path = join(place('runs'), 'pruned')
  const pruned = await zerosOf(join(path, 'final_model.pt'), 'model_state_dict')
  const options = { ...TINY, model: 'mlp', data, name: 'sparse', init: path, keepZeros: true, ema: 0.9 } as const
  await trained(options)
  const { run } = resultOf(await trained({ ...options, resume: true, epochs: 4 }))
  const last = join(run, 'final_model.pt')
  for (const dict of ['model_state_dict', 'average_state_dict']) {
    const kept = await zerosOf(last, dict)
    let zeros = 0
    for (const [name, places] of pruned) {
      zeros += places.length
      expect(kept.get(name), `${dict} ${name}`).toEqual(expect.arrayContaining(places))
    }
    expect(zeros).toBeGreaterThan(100)
  }
})
