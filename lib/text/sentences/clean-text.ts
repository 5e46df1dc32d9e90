/** Characters that stand for nothing in a sentence: soft hyphens, byte order marks, zero-width spaces. */
const INVISIBLE = /[\u00ad\ufeff\u200b\u2060]/g
const HALF_PAIR = /\p{Cs}/gu
const BLANKS = /[\s\p{Cc}]+/gu

/** Joins a text to one line: control characters and runs of blanks become one space, and half surrogate pairs become U+FFFD. */
export const cleanText = (text: string): string =>
  text.replace(INVISIBLE, '').replace(BLANKS, ' ').replace(HALF_PAIR, '\ufffd').trim()
