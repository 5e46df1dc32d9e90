import { LvmError, shown } from '../../errors.js'
import { lines } from '../../files/lines.js'
import { writeNew } from '../../files/write.js'
import type { ArticleRows } from './article-rows.js'

/** Facts of a corpus that a first pass over the texts finds. */
export interface Scan {
  articles: number
  rows: number
  characters: number
  /** Size of the side file. */
  bytes: number
  /** Articles by language. */
  readonly languages: Map<string, number>
  /** Articles by rows. */
  readonly lengths: Map<number, number>
  /** Texts without a sentence: their number, and the first few. */
  empty: number
  readonly emptyPlaces: string[]
}

/** One line of `scan.jsonl`. */
interface Scanned {
  readonly article: string
  readonly rows: number
  readonly digest: string
}

const MANY = 5

const add = <K>(to: Map<K, number>, key: K) => to.set(key, (to.get(key) ?? 0) + 1)

/** Adds up the articles that pass. */
async function* counted(articles: AsyncIterable<ArticleRows>, scan: Scan): AsyncGenerator<ArticleRows> {
  for await (const article of articles) {
    if (article.texts.length === 0) {
      if (scan.empty++ < MANY) scan.emptyPlaces.push(article.place)
    } else {
      scan.articles++
      scan.rows += article.texts.length
      for (const text of article.texts) scan.characters += text.length
      for (const line of article.lines) scan.bytes += Buffer.byteLength(line)
      add(scan.languages, article.language)
      add(scan.lengths, article.texts.length)
    }
    yield article
  }
}

const scannedLine = ({ id, texts, digest }: ArticleRows): string =>
  `${JSON.stringify({ article: id, rows: texts.length, digest } satisfies Scanned)}\n`

async function* scannedLines(path: string): AsyncGenerator<Scanned> {
  for await (const { texts } of lines(path)) for (const text of texts) if (text !== '') yield JSON.parse(text) as Scanned
}

const changed = (sentence: string) =>
  new LvmError('DATA_CHANGED', sentence, {
    hint: 'restore the texts, then run the same command again; or begin again with the changed texts: --force',
  })

/** Passes articles through and requires that they are those of a scan. Errors: DATA_CHANGED with the first that is not. */
export async function* asScanned(articles: AsyncIterable<ArticleRows>, path: string): AsyncGenerator<ArticleRows> {
  const before = scannedLines(path)
  try {
    for await (const article of articles) {
      const { value, done } = await before.next()
      if (done) throw changed(`${article.place}: this text was added after the base was begun`)
      if (value.article !== article.id)
        throw changed(
          `${article.place}: expected article ${shown(value.article)}, as when the base was begun, but found ${shown(article.id)}`,
        )
      if (value.digest !== article.digest) throw changed(`${article.place}: its text has changed since the base was begun`)
      yield article
    }
    const { value, done } = await before.next()
    if (!done) throw changed(`article ${shown(value.article)} was there when the base was begun but is missing now`)
  } finally {
    await before.return(undefined)
  }
}

/**
 * Reads all texts once, so that faults show before the first hour of encoding and sizes are known.
 *
 * With `write` the digest of each article goes to a new file at `path`; otherwise the articles must be those of that file.
 * Errors: those of the articles; DATA_CHANGED.
 */
export async function scanTexts(
  articles: AsyncIterable<ArticleRows>,
  path: string,
  write: boolean,
  step: (scan: Readonly<Scan>) => void,
): Promise<Scan> {
  const counts = { articles: 0, rows: 0, characters: 0, bytes: 0, empty: 0, emptyPlaces: [] }
  const scan: Scan = { ...counts, languages: new Map(), lengths: new Map() }
  async function* stepping() {
    for await (const article of counted(articles, scan)) {
      step(scan)
      yield article
    }
  }
  async function* linesOf() {
    for await (const article of stepping()) yield scannedLine(article)
  }
  if (write) await writeNew(path, linesOf())
  else for await (const _ of asScanned(stepping(), path));
  return scan
}
