import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { fileError, LvmError, shown } from '../../errors.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import { damaged } from '../../files/read-file.js'
import { count } from '../../show.js'
import { paragraphsOf } from '../sentences/paragraphs.js'
import { type Article, categoriesIn } from './article.js'
import { decodeBytes } from './decode-bytes.js'
import { markdownParagraphs } from './markdown-paragraphs.js'
import { DEFAULT_KEYS, type RecordKeys, readRecords } from './read-records.js'
import { type LeftOut, type TextFile, textFiles } from './text-files.js'

/** What decides the articles of a corpus. */
export interface CorpusOptions {
  readonly texts: string
  readonly encoding: string
  readonly keys: RecordKeys
}

/** Reads a whole text file, unpacked. Errors: DATA_FORMAT for a file that is damaged or too large. */
async function bytesOf(path: string): Promise<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 })
  const pieces = /\.gz$/i.test(path) ? pipeline(file, createGunzip(), () => {}) : file
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const piece of pieces as AsyncIterable<Buffer>) {
      parts.push(piece)
      size += piece.length
      if (size > DEFAULT_LIMITS.textBytes)
        throw damaged(
          path,
          `it holds more than ${count(DEFAULT_LIMITS.textBytes)} bytes, too many for one article`,
          undefined,
          'split it into one file per article, or into the records of a .jsonl file',
        )
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw damaged(path, 'it cannot be unpacked: it is damaged or truncated', error, 'pack the file again')
    throw fileError(error, `could not read ${path}`)
  } finally {
    file.destroy()
  }
  return Buffer.concat(parts)
}

async function readText(file: TextFile, { encoding, keys }: CorpusOptions): Promise<Article> {
  const text = decodeBytes(file.path, await bytesOf(file.path), encoding)
  const facts = { id: file.name, place: file.path }
  const byName = basename(file.name).replace(/\.[a-z]+(\.gz)?$/i, '')
  if (file.kind === 'plain') return { ...facts, title: byName, categories: [], paragraphs: paragraphsOf(text) }
  const { paragraphs, title, facts: matter } = markdownParagraphs(text)
  return {
    ...facts,
    title: title ?? byName,
    categories: categoriesIn(matter[keys.category ?? DEFAULT_KEYS.category]),
    paragraphs,
  }
}

/**
 * Reads the articles of a corpus, one file at a time; an article may be without paragraphs.
 *
 * Errors: those of the files; DATA_DUPLICATE_KEY for an id that occurs again after another article.
 */
export async function* readArticles(options: CorpusOptions, leftOut?: LeftOut): AsyncGenerator<Article> {
  const seen = new Set<string>() // of short hashes, so that millions of articles fit
  for await (const file of textFiles(options.texts, leftOut)) {
    const articles = file.kind === 'records' ? readRecords(file, options.keys) : [await readText(file, options)]
    for await (const article of articles) {
      const key = createHash('sha256').update(article.id).digest().toString('latin1', 0, 12) // a slice of a longer text would hold it all
      if (seen.has(key))
        throw new LvmError(
          'DATA_DUPLICATE_KEY',
          `${article.place}: expected a new article but ${shown(article.id)} already occurred before another one`,
          { hint: 'give each article its own id, or put the records of one article one after the other' },
        )
      seen.add(key)
      yield article
    }
  }
}
