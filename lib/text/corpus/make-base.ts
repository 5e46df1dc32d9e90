import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LvmError } from '../../errors.js'
import { requireDisk } from '../../files/disk.js'
import { lockRun } from '../../files/lock.js'
import { npyHeader } from '../../files/npy.js'
import { replaceText } from '../../files/write.js'
import type { Options } from '../../options.js'
import { count } from '../../show.js'
import { SPLITTER } from '../sentences/sentence-rows.js'
import { encoderCard } from '../space/encoder-of-base.js'
import { articleRows, fitting } from './article-rows.js'
import { encodeRows } from './encode-rows.js'
import type { MadeData, MakeEvent } from './make-events.js'
import type { makeFields } from './make-fields.js'
import { openAppender, PARTS } from './make-journal.js'
import { type MakeSettings, readSettings, requireEqualSettings } from './make-settings.js'
import {
  type BasePaths,
  basePaths,
  cardOf,
  finishPublication,
  type MadeCard,
  makeFolder,
  publishBase,
  requireFree,
} from './publish-base.js'
import { asScanned, type Scan, scanTexts } from './scan-texts.js'
import type { SentenceEncoder } from './sentence-encoder.js'
import { type LeftOut, leftOutText } from './text-files.js'

/** Checked options of one call. */
export interface MakeOptions extends Omit<Options<typeof makeFields>, 'encoder' | 'out'> {
  readonly texts: string
  readonly out: string
  /** Name of the encoder's folder. */
  readonly encoder: string
  readonly open: (threads: number | undefined) => Promise<{ encoder: SentenceEncoder; threads: number }>
}
export interface MakeListener {
  readonly progress?: ((event: MakeEvent) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Time between two events of a kind. Units: ms */
const EVERY = 1000

/** Whether the time for the next event has come. */
function clock(): () => boolean {
  let last = performance.now()
  return () => {
    if (performance.now() - last < EVERY) return false
    last = performance.now()
    return true
  }
}

const stopped = (signal: AbortSignal): LvmError =>
  signal.reason instanceof LvmError
    ? signal.reason
    : new LvmError('INTERRUPTED', 'data make: stopped by its signal', { hint: 'the same command continues' })

function settingsOf(o: MakeOptions, encoder: SentenceEncoder, threads: number): MakeSettings {
  return {
    version: 1,
    date: new Date().toISOString().slice(0, 10),
    threads,
    encoder: {
      ...encoderCard(encoder, o.encoder, o),
      space: encoder.space,
      prompt: encoder.prompt,
      max_tokens: encoder.maxTokens,
    },
    options: {
      dtype: o.dtype,
      max_chars: o.maxChars,
      language: o.language ?? null,
      text: o.text,
      article: o.article ?? null,
      category: o.category ?? null,
      encoding: o.encoding,
      batch: o.batch,
    },
    splitter: { rules: SPLITTER, icu: process.versions.icu ?? 'none' },
  }
}

const corpusOf = (o: MakeOptions) => ({
  texts: o.texts,
  encoding: o.encoding,
  keys: { text: o.text, article: o.article, category: o.category },
  language: o.language,
  maxChars: o.maxChars,
})

interface Work {
  readonly o: MakeOptions
  readonly paths: BasePaths
  readonly encoder: SentenceEncoder
  readonly listener: MakeListener
}

/** Reads all texts once; with `fresh` their digests are written, otherwise compared. Errors: those of the texts; DATA_TOO_FEW without a sentence. */
async function scan({ o, paths, encoder, listener: { progress, signal } }: Work, fresh: boolean): Promise<Scan> {
  const leftOut: LeftOut = new Map()
  const isTime = clock()
  const tell = ({ articles, rows, characters }: Readonly<Scan>, done: boolean) =>
    progress?.({ type: 'scan', version: 1, articles, rows, characters, done })
  const path = join(paths.folder, PARTS.scan)
  const found = await scanTexts(articleRows(corpusOf(o), fitting(o.maxChars, encoder), leftOut), path, fresh, (so) => {
    if (signal?.aborted) throw stopped(signal)
    if (isTime()) tell(so, false)
  })
  const others = leftOutText(leftOut)
  if (found.rows === 0)
    throw new LvmError(
      'DATA_TOO_FEW',
      `${o.texts}: expected a sentence in a .txt, .md or .jsonl file but found none${others === undefined ? '' : `; ${others}`}`,
      {
        hint: 'give a folder that holds such files, or one of them',
      },
    )
  tell(found, true)
  const warn = (message: string) => progress?.({ type: 'warning', version: 1, message })
  if (others !== undefined) warn(others)
  if (found.empty > 0)
    warn(
      `${count(found.empty)} ${found.empty === 1 ? 'text' : 'texts'} without a sentence left out: ${found.emptyPlaces.join('; ')}${found.empty > found.emptyPlaces.length ? '; …' : ''}`,
    )
  if (found.articles === 1)
    warn('there is one article only, and a split by article needs two: put each text into its own file or record')
  return found
}

/** Continues unfinished work, or begins: returns the settings and the counts of the texts. */
async function begin(work: Work, now: MakeSettings): Promise<{ settings: MakeSettings; found: Scan; resumed: boolean }> {
  const { o, paths } = work
  const path = join(paths.folder, PARTS.settings)
  if (existsSync(path)) {
    try {
      const settings = await readSettings(path)
      requireEqualSettings(o.out, settings, now)
      return { settings, found: await scan(work, false), resumed: true }
    } catch (error) {
      const isOther = error instanceof LvmError && ['SPACE_MISMATCH', 'BAD_OPTION', 'DATA_CHANGED'].includes(error.code)
      if (!o.force || !isOther) throw error
      work.listener.progress?.({ type: 'warning', version: 1, message: `begins again: ${error.message}` })
    }
  }
  for (const part of Object.values(PARTS)) await rm(join(paths.folder, part), { force: true })
  const found = await scan(work, true)
  await replaceText(paths.folder, PARTS.settings, `${JSON.stringify(now, null, 2)}\n`) // last: with it the scan is complete
  return { settings: now, found, resumed: false }
}

const ended = (paths: BasePaths, card: MadeCard, resumed: number, seconds: number): MadeData => ({
  version: 1,
  out: paths.vectors,
  side_file: paths.lines,
  card: paths.card,
  rows: card.rows,
  dim: card.dim,
  dtype: card.dtype,
  articles: card.articles,
  characters: card.characters,
  empty: card.empty,
  languages: card.languages,
  space: card.space,
  resumed_rows: resumed,
  rows_per_second: (card.rows - resumed) / Math.max(seconds, 1e-3),
  seconds,
})

/** Scans, encodes and publishes; the caller holds the lock. */
async function work(o: MakeOptions, paths: BasePaths, listener: MakeListener): Promise<MadeData> {
  const published = await finishPublication(paths)
  if (published !== undefined) return ended(paths, published, published.rows, 0)
  const before = await readSettings(join(paths.folder, PARTS.settings)).catch(() => undefined)
  const { encoder, threads } = await o.open(o.threads ?? before?.threads)
  const all = { o, paths, encoder, listener }
  const { settings, found, resumed } = await begin(all, settingsOf(o, encoder, threads))
  const header = npyHeader(found.rows, encoder.dim, o.dtype)
  const size = found.rows * encoder.dim * (o.dtype === 'float16' ? 2 : 4)
  const appender = await openAppender(paths.folder, header)
  const [first, began] = [appender.rows, performance.now()]
  try {
    const { name, space } = settings.encoder
    listener.progress?.({
      type: 'start',
      version: 1,
      texts: o.texts,
      out: paths.vectors,
      encoder: name,
      space,
      dim: encoder.dim,
      threads,
      resumed,
    })
    await requireDisk(dirname(paths.vectors), Math.ceil((1 - first / found.rows) * (size + found.bytes)))
    const articles = asScanned(articleRows(corpusOf(o), fitting(o.maxChars, encoder)), join(paths.folder, PARTS.scan))
    const isTime = clock()
    await encodeRows(articles, encoder, o.dtype, appender, listener.signal, (done) => {
      if (listener.signal?.aborted) throw stopped(listener.signal)
      const speed = (done.rows - first) / ((performance.now() - began) / 1000)
      const left = speed > 0 ? (found.rows - done.rows) / speed : null
      if (isTime() || done.rows === found.rows)
        listener.progress?.({
          type: 'progress',
          version: 1,
          ...done,
          rows_total: found.rows,
          articles_total: found.articles,
          rows_per_second: speed,
          seconds_left: left,
        })
    })
  } catch (error) {
    throw listener.signal?.aborted ? stopped(listener.signal) : error
  } finally {
    await appender.close()
  }
  const card = cardOf(settings, found, encoder.dim)
  await publishBase(paths, card)
  return ended(paths, card, first, (performance.now() - began) / 1000)
}

/** Makes a base from texts, or continues it; `makeData` without the opening of an encoder's folder. */
export async function makeBase(o: MakeOptions, listener: MakeListener = {}): Promise<MadeData> {
  const paths = basePaths(o.out)
  if (!existsSync(join(paths.folder, 'card.json'))) requireFree(paths, o.force)
  await makeFolder(paths.folder)
  const lock = await lockRun(paths.folder, `data make ${paths.vectors}`)
  try {
    const made = await work(o, paths, listener)
    await lock.release()
    await rm(paths.folder, { recursive: true, force: true })
    return made
  } finally {
    if (!existsSync(join(paths.folder, PARTS.settings))) await rm(paths.folder, { recursive: true, force: true }) // nothing to continue
    await lock.release()
  }
}
