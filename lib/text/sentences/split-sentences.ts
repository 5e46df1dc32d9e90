import { type Abbreviations, abbreviationsOf } from './abbreviations.js'
import { boundaries } from './segment-boundaries.js'

const OPENING = /^[\s"'“”„‘’«»‹›([{¿¡*_]+/u
/** The last word of a text that ends with a full stop, without it. */
const LAST_WORD = /([^\s"'“”„‘’«»‹›([{]+)\.$/u
/** Number of a list item: «1.», «iv)», «(a)». */
const ENUMERATOR = /^\(?(?:\d{1,3}|[ivxlcIVXLC]{1,6}|\p{L})[.)]$/u
const INITIAL = /^(?:\p{Lu}|\p{Lu}\.?-\p{Lu}|Th|Ch|Yu)$/u
const ACRONYM = /^(?:\p{L}\.)+-?\p{L}$/u

/** Whether a full stop after `word` does not end the sentence before `next`. */
function isInner(word: string, next: string, known: Abbreviations): boolean {
  const lower = word.toLowerCase()
  const first = /^[\p{L}’]+/u.exec(next)?.[0].toLowerCase() ?? ''
  if (known.inner.has(lower) && (word.length > 1 || word === lower)) return true // «vitamin C.» is no «c.»
  if (known.numbered.has(lower) && /^[\d§#]/.test(next)) return true
  if (known.starters.has(first)) return false
  if (known.ordinals && /^\d{1,2}$/.test(word)) return first !== ''
  return known.either.has(lower) ? first !== '' || /^\d/.test(next) : INITIAL.test(word) || ACRONYM.test(word)
}

/** Whether a segment of `Intl.Segmenter` belongs to the sentence before it. */
function runsOn(before: string, segment: string, known: Abbreviations): boolean {
  const tail = before.trimEnd()
  const next = segment.replace(OPENING, '')
  if (next === '') return true // only quotes or brackets
  if (/^\p{Ll}/u.test(next)) return true // «"Who is it?" he asked»
  if (ENUMERATOR.test(tail)) return true
  const word = LAST_WORD.exec(tail.slice(-40))?.[1]
  return word !== undefined && isInner(word, next, known)
}

/**
 * Splits a paragraph into sentences.
 *
 * `Intl.Segmenter` (Unicode's rules) proposes the borders; a list of abbreviations, initials, list numbers and words in lower case remove some.
 * Source: Unicode Standard Annex 29, sentence boundaries.
 */
export function sentencesOf(paragraph: string, language: string): string[] {
  const known = abbreviationsOf(language)
  const sentences: string[] = []
  let from = 0
  for (const end of boundaries(paragraph, language, 'sentence')) {
    const segment = paragraph.slice(from, end)
    from = end
    const before = sentences.at(-1)
    if (before !== undefined && runsOn(before, segment, known)) sentences[sentences.length - 1] = before + segment
    else sentences.push(segment)
  }
  return sentences.map((sentence) => sentence.trim()).filter((sentence) => sentence !== '')
}
