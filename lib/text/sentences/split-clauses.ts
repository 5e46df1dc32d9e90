import { boundaries } from './segment-boundaries.js'

/** A place where a sentence may be cut; a higher cost needs a place nearer to the middle. */
interface Border {
  readonly at: number
  readonly cost: number
}

const CONJUNCTION =
  /^(?:and|or|but|nor|yet|which|who|whom|whose|that|because|while|when|where|whereas|although|though|since|until|after|before|if|with|und|oder|aber|weil|wenn|dass|et|ou|mais|qui|que|dont|y|o|pero|porque|e|ma|che|mas|en|maar|и|но|что|или)\s/iu
/** A blank that does not carry a combining mark, with the punctuation before it; punctuation of scripts without blanks. */
const PLACES = /(?:([;:—–؛])|([,،)\]]))?["'”’»]{0,3}\s+(?!\p{M}|\u200d)|([；：。！？][”’」』）]*)|([、，][”’」』）]*)/gu

function clauseBorders(sentence: string): Border[] {
  return Array.from(sentence.matchAll(PLACES), (match) => {
    const [whole, strong, weak, strongWide, weakWide] = match
    const at = match.index + whole.length
    if (strong !== undefined || strongWide !== undefined) return { at, cost: 0 }
    if (weak !== undefined || weakWide !== undefined) return { at, cost: 0.05 }
    return { at, cost: CONJUNCTION.test(sentence.slice(at, at + 12)) ? 0.12 : 0.3 }
  })
}

/** Ends of words, and of grapheme clusters inside long words: for scripts without blanks and texts without any. */
function wordBorders(sentence: string, language: string): Border[] {
  const words = new Set(boundaries(sentence, language, 'word'))
  return boundaries(sentence, language, 'grapheme').map((at) => ({ at, cost: words.has(at) ? 0.3 : 0.6 }))
}

/** Blanks around a part; one that carries a combining mark is a letter. */
const OUTER_BLANKS = /^\s+(?!\p{M}|\u200d|\s)|\s+$/gu
/** Least share of a text that a cut leaves on each side. */
const LEAST = 1 / 8

/** Index of the first border behind `after`; borders are in order. */
function firstBehind(borders: readonly Border[], after: number): number {
  let [low, high] = [0, borders.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (borders[middle]!.at > after) high = middle
    else low = middle + 1
  }
  return low
}

/** Chooses the border between two positions that is cheap and near the middle. */
function bestBorder(borders: readonly Border[], from: number, to: number, least = LEAST): number | undefined {
  const length = to - from
  let best: { at: number; loss: number } | undefined
  for (let i = firstBehind(borders, from); i < borders.length && borders[i]!.at < to; i++) {
    const { at, cost } = borders[i]!
    if (at - from < least * length || to - at < least * length) continue
    const loss = Math.abs(at - (from + to) / 2) / length + cost
    if (best === undefined || loss < best.loss) best = { at, loss }
  }
  return best?.at
}

/**
 * Cuts a sentence into parts that fit: at clauses where possible, else between words, else between grapheme clusters.
 *
 * A single grapheme cluster that does not fit stays whole.
 */
export function clausesOf(sentence: string, language: string, fits: (part: string) => boolean): string[] {
  if (fits(sentence)) return [sentence]
  const parts: string[] = []
  const clauses = clauseBorders(sentence)
  let words: Border[] | undefined
  const cut = (from: number, to: number) => {
    const part = sentence.slice(from, to).replace(OUTER_BLANKS, '')
    if (part === '') return
    if (fits(part)) return void parts.push(part)
    let at = bestBorder(clauses, from, to)
    if (at === undefined) {
      words ??= wordBorders(sentence, language)
      at = bestBorder(words, from, to) ?? bestBorder(words, from, to, 0)
    }
    if (at === undefined) return void parts.push(part)
    cut(from, at)
    cut(at, to)
  }
  cut(0, sentence.length)
  return parts
}
