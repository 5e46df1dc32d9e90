import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { t5Part } from '../../lib/text/generate/t5-layout.js'
import { GREEDY, T5 } from '../../lib/text/generate/t5-model.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { openWeights } from '../../lib/weights/open-weights.js'
import { FIXTURE, farthest, goldenOf, integers } from './inverter-fixture.js'

const golden = goldenOf(FIXTURE)

describe.each(['relu-tied', 'gated-untied'] as const)('T5 %s', (name) => {
  const { embeds, mask, ids, hidden, logits, generation } = golden[name]
  const inputs = () => ({ x: Tensor.from(Float32Array.from(embeds), [4, 9, 16]), mask: integers(mask) })
  const load = async () => T5.load(t5Part(await openWeights(join(FIXTURE, name)), ''), { decoder: true })

  test('the encoder and the decoder, step by step, equal transformers within 1e-5', async () => {
    const t5 = await load()
    const { x, mask } = inputs()
    const encoded = await t5.encode(x, mask)
    expect(farthest(hidden, (await encoded.data()) as Float32Array)).toBeLessThan(1e-5)
    const made = await t5.logits(encoded, mask, integers(ids))
    expect(made.shape).toEqual([4, 7, 101])
    const last = await made.op('aten::slice.Tensor', 1, 5)
    expect(farthest(logits, (await last.data()) as Float32Array)).toBeLessThan(1e-5)
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

  test('a text does not depend on the texts generated beside it', async () => {
    const t5 = await load()
    const { x, mask } = inputs()
    for (const beams of [1, 3]) {
      const search = { ...GREEDY, beams, longest: 20 }
      const together = await t5.generate(x, mask, search)
      for (let i = 0; i < 4; i++) {
        const [one, kept] = [await x.op('aten::narrow', 0, i, 1), await mask.op('aten::narrow', 0, i, 1)]
        expect(await t5.generate(one, kept, search)).toEqual([together[i]])
      }
    }
    t5.dispose()
  })

  test('an aborted generation rejects and later ones still work', async () => {
    const t5 = await load()
    const { x, mask } = inputs()
    const aborter = new AbortController()
    const long = t5.generate(x, mask, { ...GREEDY, longest: 4000, shortest: 3999 }, aborter.signal)
    setTimeout(() => aborter.abort(), 20)
    await expect(long).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(await t5.generate(x, mask, { ...GREEDY, longest: 12 })).toEqual(generation[0]!.ids)
    t5.dispose()
  })
})

test('inputs of another width are refused before they reach libtorch', async () => {
  const t5 = await T5.load(t5Part(await openWeights(join(FIXTURE, 'relu-tied')), ''), { decoder: true })
  const x = Tensor.from(new Float32Array(2 * 3 * 15), [2, 3, 15])
  await expect(
    t5.encode(
      x,
      integers([
        [1, 1, 1],
        [1, 1, 1],
      ]),
    ),
  ).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  t5.dispose()
})
