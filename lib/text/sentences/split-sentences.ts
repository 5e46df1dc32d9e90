import { type Abbreviations, abbreviationsOf } from './abbreviations.js'
import { boundaries } from './segment-boundaries.js'

const OPENING = /^[\s"'“”„‘’«»‹›([{¿¡*_]+/u
/** The last word of a text that ends with a full stop, without it. */
const LAST_WORD = /([^\s"'“”„‘’«»‹›([{]+)\.$/u
/** Number of a list item: «1.», «iv)», «(a)». */
const ENUMERATOR = /^\(?(?:\d{1,3}|[ivxlcIVXLC]{1,6}|\p{L})[.)]$/u
const INITIAL =
  /^(?:\p{Lu}|\p{Lu}\.?-\p{Lu}|Th|Ch|Yu|(?!\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana})\p{Lo}\p{M}{0,3})$/u
/** An abbreviated unit behind a number ends a sentence: «1999 م.». */
const UNIT = /\d\s?\p{Lo}\.$/u
/** Opening brackets and quotes that no blank separates from the text behind them. */
const TRAILING_OPENING = /[\p{Ps}\p{Pi}]+$/u
/** Words that continue a sentence after a quotation: «「はい。」と答えた», «"네."라고 말했다». */
const AFTER_QUOTE: Readonly<Record<string, RegExp>> = {
  ja: /^(?:と(?![てきこもんう])|って|[をのがに、]|は(?![いっじや]))/u,
  ko: /^(?:이?라[고는며]|하[고며]\s|고\s|는\s)/u,
}
const ENDS_QUOTE = /[」』”"]$/u
/** Beginning of a date in numbers: «2024. 1.». */
const KOREAN_DATE = /(?:^|\s)\d{4}\.(?:\s?\d{1,2}\.){0,2}$/
/** Languages that end no sentence with a full stop. */
const WITHOUT_STOPS = new Set(['th', 'lo', 'km'])
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
function runsOn(before: string, segment: string, language: string, known: Abbreviations): boolean {
  const tail = before.trimEnd()
  const next = segment.replace(OPENING, '')
  if (next === '') return true // only quotes or brackets
  if (/^\p{Ll}/u.test(next)) return true // «"Who is it?" he asked»
  if (ENUMERATOR.test(tail)) return true
  if (ENDS_QUOTE.test(tail) && tail === before && AFTER_QUOTE[language]?.test(segment)) return true
  if (language === 'ko' && KOREAN_DATE.test(tail.slice(-16))) return true
  if (WITHOUT_STOPS.has(language) && tail.endsWith('.')) return true
  const word = UNIT.test(tail.slice(-8)) ? undefined : LAST_WORD.exec(tail.slice(-40))?.[1]
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
  const base = language.split('-')[0]!
  const sentences: string[] = []
  let from = 0
  for (const found of boundaries(paragraph, language, 'sentence')) {
    const opening =
      found === paragraph.length ? 0 : (TRAILING_OPENING.exec(paragraph.slice(Math.max(from, found - 8), found))?.[0].length ?? 0)
    const end = found - opening // Unicode's rules leave an opening quote at the end of the sentence before it
    if (end === from) continue
    const segment = paragraph.slice(from, end)
    from = end
    const before = sentences.at(-1)
    if (before !== undefined && runsOn(before, segment, base, known)) sentences[sentences.length - 1] = before + segment
    else sentences.push(segment)
  }
  return sentences.map((sentence) => sentence.trim()).filter((sentence) => sentence !== '')
}
