import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GREEDY, T5 } from '../../lib/text/generate/t5-model.js'
import { t5Part } from '../../lib/text/generate/t5-layout.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { openWeights } from '../../lib/weights/open-weights.js'

const FOLDER = process.env.LVM_TEST_INVERTER ?? join('test', 'text', 'fixtures', 'inverter')
interface Case {
  embeds: number[]
  mask: number[][]
  ids: number[][]
  hidden: number[]
  logits: number[]
  generation: { options: Record<string, number>; ids: number[][] }[]
}
const golden = JSON.parse(readFileSync(join(FOLDER, 'golden.json'), 'utf8')) as Record<string, Case>

const integers = (rows: number[][]) => Tensor.from(BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length])
const far = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)

describe.each(['relu-tied', 'gated-untied'])('T5 %s', (name) => {
  const { embeds, mask, ids, hidden, logits, generation } = golden[name]!
  const inputs = () => ({ x: Tensor.from(Float32Array.from(embeds), [4, 9, 16]), mask: integers(mask) })
  const load = async () => T5.load(t5Part(await openWeights(join(FOLDER, name)), ''), { decoder: true })

  test('the encoder and the decoder equal transformers within 1e-5', async () => {
    const t5 = await load()
    const { x, mask } = inputs()
    const encoded = await t5.encode(x, mask)
    const shown = (await encoded.data()) as Float32Array
    expect(far(hidden, shown)).toBeLessThan(1e-5)
    const made = await t5.logits(encoded, mask, integers(ids))
    expect(made.shape).toEqual([4, 7, 101])
    const last = await made.op('aten::slice.Tensor', 1, 5)
    expect(far(logits, (await last.data()) as Float32Array)).toBeLessThan(1e-5)
    t5.dispose()
  })

  test.each(generation)('generation with $options gives exactly the ids of transformers', async ({ options, ids }) => {
    const t5 = await load()
    const { x, mask } = inputs()
    const { beams = 1, returned = 1, max_length = 12, min_length = 1, length_penalty = 1 } = options
    const search = { ...GREEDY, beams, returned, longest: max_length, shortest: min_length, lengthPenalty: length_penalty }
    expect(await t5.generate(x, mask, search)).toEqual(ids)
    t5.dispose()
  })
})
