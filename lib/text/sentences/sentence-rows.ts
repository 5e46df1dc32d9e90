import { cleanText } from './clean-text.js'
import { clausesOf } from './split-clauses.js'
import { sentencesOf } from './split-sentences.js'

/** Version of the rules; a change that moves a border raises it. */
export const SPLITTER = 'sentences 2'

/** Splits paragraphs into the texts of rows: sentences, and parts of sentences that do not fit. */
export function rowsOf(paragraphs: readonly string[], language: string, fits: (text: string) => boolean): string[] {
  return paragraphs.flatMap((paragraph) =>
    sentencesOf(cleanText(paragraph), language).flatMap((sentence) => clausesOf(sentence, language, fits)),
  )
}
