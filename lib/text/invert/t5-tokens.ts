import { PAD } from '../generate/t5-model.js'
import { openTokenizer } from '../tokens/text-tokenizer.js'

/** The tokenizer of a T5. */
export interface T5Tokens {
  /** Ids of a text, cut to `most` with the end kept. */
  encode(text: string, most: number): readonly number[]
  /** Text of ids, without special tokens. */
  decode(ids: readonly number[]): string
}

/** Opens tokenizer.json and tokenizer_config.json of a folder. Errors: those of openTokenizer. */
export async function openTokens(folder: string): Promise<T5Tokens> {
  const tokenizer = await openTokenizer(folder, { lowerCase: false })
  return {
    encode: (text, most) => tokenizer.ids(text, most),
    decode: (ids) => tokenizer.inner.decode([...ids], { skip_special_tokens: true }),
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
