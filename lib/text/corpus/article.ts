/** One article of a corpus, before its sentences are split. */
export interface Article {
  readonly id: string
  /** File, with the line of a record, for errors. */
  readonly place: string
  readonly title: string | undefined
  readonly categories: readonly string[]
  /** Paragraphs, headings and list items, in order. */
  readonly paragraphs: readonly string[]
}

/** Reads categories: a text, or a list of texts and numbers. */
export function categoriesIn(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter((one) => typeof one === 'number' || (typeof one === 'string' && one.trim() !== '')).map(String)
}
