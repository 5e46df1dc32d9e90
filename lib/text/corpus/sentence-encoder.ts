import type { Precision } from '../encoders/encoder-fields.js'

/** What the splitter needs of an encoder. */
export interface TokenLimit {
  readonly maxTokens: number
  readonly prompt: string
  tokenCounts(texts: readonly string[]): ArrayLike<number>
}

/** The encoder as `data make` uses it; `Encoder` is one. */
export interface SentenceEncoder extends TokenLimit {
  readonly dim: number
  readonly space: string
  readonly hash: string
  readonly precision: Precision
  encode(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<Float32Array>
}
