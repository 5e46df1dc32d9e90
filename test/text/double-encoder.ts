import { createHash } from 'node:crypto'
import type { SentenceEncoder } from '../../lib/text/corpus/sentence-encoder.js'

/** An encoder whose vectors are hashes of the texts and of their place in the list, so that a changed block shows. */
export function doubleEncoder(dim = 16, hash = 'a'.repeat(64)): SentenceEncoder & { readonly encoded: string[] } {
  const encoded: string[] = []
  return {
    dim,
    hash,
    space: 'double · hash',
    maxTokens: 64,
    precision: 'float32',
    prompt: '',
    encoded,
    tokenCounts: (texts) => texts.map((text) => 2 + text.split(' ').length),
    encode: async (texts, { signal } = {}) => {
      signal?.throwIfAborted()
      encoded.push(...texts)
      return Float32Array.from(
        texts.flatMap((text, i) => [...createHash('shake256', { outputLength: dim }).update(`${i} ${text}`).digest()]),
        (b) => b / 255 - 0.5,
      )
    },
  }
}
