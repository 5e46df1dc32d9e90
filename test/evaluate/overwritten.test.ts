import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { predict, synth, writeBase } from '../../lib/index.js'
import { decode } from '../../lib/study/decode/decode.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'

const refused = { code: 'BAD_OPTION', message: expect.stringMatching(/expected a new file for "out" but .* exists/) }

it('predict, decode and synth replace what they wrote themselves, and no other file', async () => {
  const data = await vectorFile('own')
  await trained({ ...TINY, data, model: 'mlp', name: 'own', epochs: 1 })
  const run = join(TINY.out, 'own')
  const base = place('base.npy')
  const texts = ['a', 'b', 'c', 'd', 'e', 'f']
  await writeBase(base, { vectors: texts.map((_, i) => [i + 1, 1]), articles: texts, texts })
  const before = [readFileSync(base), readFileSync(place('base.jsonl'))]
  await expect(predict({ run, out: base })).rejects.toMatchObject(refused)
  await expect(decode({ run, out: place('base.jsonl') })).rejects.toMatchObject(refused)
  await expect(synth({ out: base, rows: 64, dim: 16, articles: 4 })).rejects.toMatchObject(refused)
  expect([readFileSync(base), readFileSync(place('base.jsonl'))]).toEqual(before)
  expect([existsSync(place('base.json')), existsSync(place('base.card.json'))]).toEqual([false, false])

  writeFileSync(place('notes.json'), '{"mine": 1}')
  await expect(predict({ run, out: place('notes.npy') })).rejects.toMatchObject(refused)
  expect(existsSync(place('notes.npy'))).toBe(false)

  for (let i = 0; i < 2; i++) {
    await predict({ run, out: place('p.npy') })
    await synth({ out: place('known.npy'), rows: 64, dim: 16, articles: 4, seed: i })
  }
})
