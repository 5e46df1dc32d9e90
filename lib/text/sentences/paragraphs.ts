const BREAK = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/
/** Mark of a list item: a bullet, a number or a letter in brackets. */
const ITEM = /^\s*(?:[-*+•‣◦▪●○·–—]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+(?=\S)/u
/** A heading as wikis write it: == History ==. */
const WIKI_HEADING = /^\s{0,8}(={1,6})\s{0,8}(\S.{0,300}?)\s{0,8}\1\s*$/
const IS_TEXT = /[\p{L}\p{N}\p{Extended_Pictographic}]/u
/** Characters of the end of a line that decide whether it ends a sentence. */
const TAIL = -16
const ENDS_SENTENCE = /[.!?:;…。！？：；।۔؟]["'”’»)\]]*\s*$/u
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}、。！？，：；「」『』（）]/u
const ENDS_WIDE = new RegExp(`${WIDE.source}\\s*$`, 'u')
const BEGINS_WIDE = new RegExp(`^\\s*${WIDE.source}`, 'u')
/** Widths of lines that an editor breaks: shorter ones are verses or lists, longer ones whole paragraphs. Units: characters */
const [NARROWEST, NARROWEST_WIDE, WIDEST] = [45, 20, 130]

/** Whether a line goes on in the next one: it is full up to the width of its paragraph, or the next one begins in lower case. */
function goesOn(line: string, next: string, width: number): boolean {
  if (WIKI_HEADING.test(line) || WIKI_HEADING.test(next)) return false
  if (ITEM.test(next) && (ENDS_SENTENCE.test(line.slice(TAIL)) || ITEM.test(line))) return false
  const isWide = ENDS_WIDE.test(line.slice(TAIL))
  if (width <= WIDEST && line.length >= (isWide ? NARROWEST_WIDE : NARROWEST)) {
    const word = isWide ? 2 : 1 + /^\S*/.exec(next.trimStart())![0].length
    if (line.length + word > width) return true
  }
  return /^\s*\p{Ll}/u.test(next) && !ENDS_SENTENCE.test(line.slice(TAIL))
}

const joined = (text: string, next: string) =>
  /\p{L}-$/u.test(text.slice(TAIL)) || (ENDS_WIDE.test(text.slice(TAIL)) && BEGINS_WIDE.test(next))
    ? text + next.trim()
    : `${text} ${next.trim()}`

/** Removes the mark of a list item or of a wiki's heading. */
const unmarked = (line: string) => line.replace(WIKI_HEADING, '$2').replace(ITEM, '').trim()

function joinLines(lines: readonly string[]): string[] {
  const width = lines.reduce((most, line) => Math.max(most, line.length), 0)
  const found: string[] = []
  for (const [i, line] of lines.entries()) {
    if (i > 0 && goesOn(lines[i - 1]!, line, width)) found.push(joined(found.pop()!, line))
    else found.push(unmarked(line))
  }
  return found
}

/**
 * Splits a plain text into paragraphs, headings and list items, each on one line.
 *
 * Blank lines and lines without a letter or digit separate. A line break inside a paragraph is kept only where no editor made it to wrap the line.
 */
export function paragraphsOf(text: string): string[] {
  const paragraphs: string[] = []
  let lines: string[] = []
  const flush = () => {
    for (const paragraph of joinLines(lines)) paragraphs.push(paragraph)
    lines = []
  }
  for (const line of text.split(BREAK)) {
    if (IS_TEXT.test(line)) lines.push(line.trimEnd())
    else flush()
  }
  flush()
  return paragraphs.filter((paragraph) => paragraph !== '')
}
