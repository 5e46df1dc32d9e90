/** Length of the first window. Every segment of `Intl.Segmenter` holds a copy of the whole input, so a long text is passed in windows. Units: UTF-16 units */
const WINDOW = 4096

const segmenters = new Map<string, Intl.Segmenter>()

/** Returns a segmenter; its construction takes milliseconds, so there is one per language and granularity. */
function segmenter(language: string, granularity: 'grapheme' | 'word' | 'sentence'): Intl.Segmenter {
  const key = `${language} ${granularity}`
  const known = segmenters.get(key) ?? new Intl.Segmenter(language, { granularity })
  segmenters.set(key, known)
  return known
}

/** Returns the end of every segment of a text, in time proportional to its length. */
export function boundaries(text: string, language: string, granularity: 'grapheme' | 'word' | 'sentence'): number[] {
  const segments = segmenter(language, granularity)
  const ends: number[] = []
  let size = WINDOW
  for (let from = 0; from < text.length; ) {
    const isLast = from + size >= text.length
    const window = isLast ? text.slice(from) : text.slice(from, from + size)
    const found = Array.from(segments.segment(window), ({ index }) => from + index).slice(1)
    if (!isLast) found.pop() // the boundary before a segment at the cut may depend on what follows it
    const next = isLast ? text.length : found.at(-1)
    if (isLast) found.push(text.length)
    ends.push(...found)
    size = next === undefined ? 2 * size : WINDOW
    from = next ?? from
  }
  return ends
}
