import { LvmError, shown } from '../../errors.js'
import { Tensor } from '../../torch/tensor.js'
import type { ArticleRows } from './article-rows.js'
import type { Appender } from './make-journal.js'
import type { SentenceEncoder } from './sentence-encoder.js'

/** Rows that are encoded and stored together. A block begins at a multiple of this, so that texts meet the same neighbours after a restart. */
const BLOCK = 256

/** Bytes of vectors in the stored type. Errors: DATA_NOT_FINITE with the text. */
async function bytesOf(
  vectors: Float32Array,
  dim: number,
  dtype: 'float16' | 'float32',
  texts: readonly string[],
): Promise<Uint8Array> {
  using wide = Tensor.from(vectors, [texts.length, dim])
  using stored = await wide.to({ dtype }).ready()
  using back = await stored.to({ dtype: 'float32' }).ready()
  const wrong = ((await back.data()) as Float32Array).findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0)
    throw new LvmError(
      'DATA_NOT_FINITE',
      `data make: the vector of ${shown(texts[Math.floor(wrong / dim)])} is not finite in ${dtype}`,
      {
        hint: 'use --dtype float32 and --precision float32',
      },
    )
  const { buffer, byteOffset, byteLength } = await stored.data()
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/**
 * Encodes the rows of articles in blocks and appends them; rows that are stored already are passed over.
 *
 * Errors: those of the articles and the encoder; DATA_NOT_FINITE, NO_DISK.
 */
export async function encodeRows(
  articles: AsyncIterable<ArticleRows>,
  encoder: SentenceEncoder,
  dtype: 'float16' | 'float32',
  appender: Appender,
  signal: AbortSignal | undefined,
  step: (done: { rows: number; articles: number }) => void,
): Promise<void> {
  let [texts, lines]: [string[], string[]] = [[], []]
  let [seen, complete] = [0, 0]
  const store = async () => {
    if (texts.length === 0) return
    const vectors = await encoder.encode(texts, signal && { signal })
    await appender.append(texts.length, await bytesOf(vectors, encoder.dim, dtype, texts), Buffer.from(lines.join('')))
    ;[texts, lines] = [[], []]
    step({ rows: appender.rows, articles: complete })
  }
  for await (const article of articles) {
    for (const [i, text] of article.texts.entries()) {
      if (seen++ < appender.rows) continue
      texts.push(text)
      lines.push(article.lines[i]!)
      if (texts.length === BLOCK) await store()
    }
    if (article.texts.length > 0) complete++
  }
  await store()
}
