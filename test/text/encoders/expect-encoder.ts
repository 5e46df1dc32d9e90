import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Encoder, type EncoderOptions } from '../../../lib/index.js'
import { POOLS } from '../../../lib/spec/ops.js'
import { openTokenizer } from '../../../lib/text/tokens/text-tokenizer.js'

export const FIXTURES = join(import.meta.dirname, 'fixtures')
export const NAMES = ['tiny-bert', 'tiny-mpnet', 'tiny-roberta', 'tiny-t5', 'tiny-t5-gated'] as const

/** What write_encoders.py writes beside an encoder. */
interface Expected {
  readonly texts: readonly string[]
  readonly ids: readonly (readonly number[])[]
  readonly vectors: readonly (readonly number[])[]
  readonly pools: Readonly<Record<string, readonly (readonly number[])[]>>
}
export const expected = (folder: string): Expected => JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))

/** Largest difference, relative to numbers above 1. */
function apart(found: Float32Array, wanted: readonly (readonly number[])[]): number {
  const flat = wanted.flat()
  expect(found.length).toBe(flat.length)
  return flat.reduce((most, want, i) => Math.max(most, Math.abs(want - found[i]!) / Math.max(1, Math.abs(want))), 0)
}

async function vectors(folder: string, texts: readonly string[], options: EncoderOptions): Promise<Float32Array> {
  using encoder = await Encoder.open(folder, options)
  return await encoder.encode(texts)
}

/** Compares ids, vectors and all poolings of an encoder with those of Python. */
export async function expectPython(folder: string, bound = 1e-5): Promise<void> {
  const { texts, ids, vectors: wanted, pools } = expected(folder)
  const { max_seq_length } = JSON.parse(readFileSync(join(folder, 'sentence_bert_config.json'), 'utf8'))
  const tokenizer = await openTokenizer(folder, { lowerCase: false })
  expect(texts.map((text) => tokenizer.ids(text, max_seq_length))).toEqual(ids)
  expect(apart(await vectors(folder, texts, {}), wanted), `${folder}: vectors`).toBeLessThan(bound)
  expect(apart(await vectors(folder, texts, { batch: 1 }), wanted), `${folder}: one text at a time`).toBeLessThan(bound)
  for (const pooling of POOLS) {
    const found = await vectors(folder, texts, { pooling, dense: 'skip', normalize: 'never' })
    // a sum over √n has √n times the rounding error of a mean
    const grown = pooling === 'mean_sqrt_len' ? Math.sqrt(Math.max(...ids.map(({ length }) => length))) : 1
    expect(apart(found, pools[pooling]!), `${folder}: ${pooling}`).toBeLessThan(bound * grown)
  }
}
