/** Widths of characters as shares of the font size. */
const WIDE: readonly (readonly [RegExp, number])[] = [
  [/[ijlI.,:;'|!()[\]/ t f]/, 0.34],
  [/[mwMW@%—…]/, 0.86],
  [/[A-Z−+=<>≥≤]/, 0.64],
  [
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u,
    1.02,
  ],
]

/** Estimates the width of a text, rather too large than too small. Units: px. */
export const textWidth = (text: string, size: number): number =>
  size * [...text].reduce((sum, letter) => sum + (WIDE.find(([letters]) => letters.test(letter))?.[1] ?? 0.555), 0)

/** Breaks a text into lines of at most a width: between words, and within a word that is wider than a line. */
export function wrapped(text: string, width: number, size: number): string[] {
  const lines = ['']
  const fits = (line: string) => textWidth(line, size) <= width
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`
    if (fits(longer)) {
      lines[lines.length - 1] = longer
      continue
    }
    if (lines.at(-1) !== '') lines.push('')
    for (const letter of word) {
      if (lines.at(-1) !== '' && !fits(lines.at(-1)! + letter)) lines.push('')
      lines[lines.length - 1] += letter
    }
  }
  return lines
}

/** Cuts a text to a width, with … for the rest. */
export function shortened(text: string, width: number, size: number): string {
  if (textWidth(text, size) <= width) return text
  const letters = [...text]
  while (letters.length > 1 && textWidth(`${letters.join('')}…`, size) > width) letters.pop()
  return `${letters.join('').trimEnd()}…`
}
