import { DEFAULT_LIMITS } from '../../files/limits.js'
import { damaged } from '../../files/read-file.js'
import { count } from '../../show.js'
import { fitting, languageOf } from '../../text/corpus/article-rows.js'
import { decodeBytes } from '../../text/corpus/decode-bytes.js'
import { makeFields } from '../../text/corpus/make-fields.js'
import { readArticles } from '../../text/corpus/read-articles.js'
import { DEFAULT_KEYS } from '../../text/corpus/read-records.js'
import type { TokenLimit } from '../../text/corpus/sentence-encoder.js'
import { paragraphsOf } from '../../text/sentences/paragraphs.js'
import { rowsOf } from '../../text/sentences/sentence-rows.js'

/** Whether a file holds a text rather than vectors. */
export const isText = (file: string): boolean => file === '-' || /\.(txt|text|md|markdown)(\.gz)?$/i.test(file)

async function fromStdin(): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    pieces.push(piece)
    size += piece.length
    if (size > DEFAULT_LIMITS.textBytes)
      throw damaged('stdin', `it holds more than ${count(DEFAULT_LIMITS.textBytes)} bytes`, undefined, 'give a shorter text')
  }
  return decodeBytes('stdin', Buffer.concat(pieces), 'utf-8')
}

/** Paragraphs of a text file or of stdin. Errors: FILE_MISSING, DATA_FORMAT. */
export async function paragraphsIn(file: string): Promise<readonly string[]> {
  if (file === '-') return paragraphsOf(await fromStdin())
  for await (const { paragraphs } of readArticles({ texts: file, encoding: 'utf-8', keys: DEFAULT_KEYS })) return paragraphs
  return []
}

/** Splits paragraphs into sentences by the rules of `data make`. */
export const sentencesOf = async (paragraphs: readonly string[], encoder: TokenLimit): Promise<string[]> =>
  rowsOf(paragraphs, await languageOf(paragraphs), fitting(makeFields.maxChars.default, encoder))
