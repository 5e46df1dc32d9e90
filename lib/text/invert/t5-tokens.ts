import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { readJsonObject } from '../../files/json.js'
import type { Limits } from '../../files/limits.js'
import { END, PAD } from '../generate/t5-model.js'

/** The tokenizer of a T5. */
export interface T5Tokens {
  /** Ids of a text, cut to `most` with the end kept. */
  encode(text: string, most: number): number[]
  /** Text of ids, without special tokens. */
  decode(ids: readonly number[]): string
}

/** Opens tokenizer.json and tokenizer_config.json of a folder. */
export async function openTokens(folder: string, limits: Limits): Promise<T5Tokens> {
  const tokenizer = new Tokenizer(
    await readJsonObject(join(folder, 'tokenizer.json'), limits),
    await readJsonObject(join(folder, 'tokenizer_config.json'), limits),
  )
  return {
    encode(text, most) {
      const { ids } = tokenizer.encode(text)
      return ids.length <= most ? ids : [...ids.slice(0, most - 1), END]
    },
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true }),
  }
}

/** Rows of ids filled up with padding, and their mask. */
export function padded(rows: readonly (readonly number[])[]): { ids: BigInt64Array; mask: BigInt64Array; longest: number } {
  const longest = Math.max(...rows.map((row) => row.length))
  const ids = new BigInt64Array(rows.length * longest).fill(BigInt(PAD))
  rows.forEach((row, i) => {
    row.forEach((id, j) => {
      ids[i * longest + j] = BigInt(id)
    })
  })
  return { ids, mask: ids.map((id) => (id === BigInt(PAD) ? 0n : 1n)), longest }
}
