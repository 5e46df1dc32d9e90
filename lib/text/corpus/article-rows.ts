import { createHash } from 'node:crypto'
import { detectLanguage } from '../sentences/detect-language.js'
import { rowsOf } from '../sentences/sentence-rows.js'
import { type CorpusOptions, readArticles } from './read-articles.js'
import type { TokenLimit } from './sentence-encoder.js'
import type { LeftOut } from './text-files.js'

/** What decides the rows of a corpus. */
export interface RowOptions extends CorpusOptions {
  /** Language of all texts; undefined to detect it. */
  readonly language: string | undefined
  readonly maxChars: number
}

/** An article with the texts of its rows. */
export interface ArticleRows {
  readonly id: string
  readonly place: string
  /** Undetermined is `und`. */
  readonly language: string
  readonly texts: readonly string[]
  /** Lines of the side file, one for each row. */
  readonly lines: readonly string[]
  /** Hash of the lines. */
  readonly digest: string
}

/** Tokens that a character beyond ASCII may become, and those around a text: texts that surely fit are not tokenized to be measured. */
const [TOKENS_PER_UNIT, MARKS] = [4, 8]

/** Bound of the tokens of a text: no tokenizer makes more than one of an ASCII character. */
function mostTokens(text: string): number {
  let beyond = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) beyond++
  return text.length + (TOKENS_PER_UNIT - 1) * beyond
}

/** Returns the test whether a text fits into a row: by characters, then by tokens of the encoder. */
export function fitting(maxChars: number, encoder: TokenLimit): (text: string) => boolean {
  const room = encoder.maxTokens - MARKS - mostTokens(encoder.prompt)
  return (text) => text.length <= maxChars && (mostTokens(text) <= room || encoder.tokenCounts([text])[0]! <= encoder.maxTokens)
}

/** Characters of an article that its language is detected on. */
const DETECTED_ON = 4096

/** Language of an article; undetermined is `und`. */
export async function languageOf(paragraphs: readonly string[]): Promise<string> {
  let text = ''
  for (const paragraph of paragraphs) {
    if (text.length >= DETECTED_ON) break
    text += `${paragraph.slice(0, DETECTED_ON)}\n`
  }
  return (await detectLanguage(text)) ?? 'und'
}

/** Reads a corpus and splits each article into rows; an article without a sentence has none. Errors: those of `readArticles`. */
export async function* articleRows(
  options: RowOptions,
  fits: (text: string) => boolean,
  leftOut?: LeftOut,
): AsyncGenerator<ArticleRows> {
  for await (const { id, place, title, categories, paragraphs } of readArticles(options, leftOut)) {
    const language = options.language ?? (await languageOf(paragraphs))
    const texts = rowsOf(paragraphs, language, fits)
    const lines = texts.map((text, index) => {
      const first = index > 0 ? {} : { language, ...(categories.length > 0 && { categories }) }
      return `${JSON.stringify({ article_id: id, ...(title !== undefined && { title }), index, text, ...first })}\n`
    })
    const hash = createHash('sha256')
    for (const line of lines) hash.update(line)
    yield { id, place, language, texts, lines, digest: hash.digest('hex').slice(0, 16) }
  }
}
