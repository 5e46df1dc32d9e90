import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LvmError } from '../../errors.js'
import { requireDisk } from '../../files/disk.js'
import { lockRun } from '../../files/lock.js'
import { npyHeader } from '../../files/npy.js'
import { replaceText } from '../../files/write.js'
import { SPLITTER } from '../sentences/sentence-rows.js'
import { encoderCard } from '../space/encoder-of-base.js'
import { articleRows, fitting } from './article-rows.js'
import { encodeRows } from './encode-rows.js'
import type { MadeData } from './make-events.js'
import { openAppender, PARTS } from './make-journal.js'
import { type MakeSettings, readSettings, requireEqualSettings } from './make-settings.js'
import { clock, corpusOf, type MakeListener, type MakeOptions, stopped, type Work } from './make-work.js'
import {
  type BasePaths,
  basePaths,
  CARD,
  cardOf,
  finishPublication,
  isPublishing,
  type MadeCard,
  makeFolder,
  publishBase,
  removeDone,
  requireFree,
  setAside,
} from './publish-base.js'
import { asScanned, type Scan } from './scan-texts.js'
import type { SentenceEncoder } from './sentence-encoder.js'
import { tellScan } from './tell-scan.js'
import { trainingContext } from './training-context.js'

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

/** Requires that unfinished work was begun with these options and these texts, and returns it. Errors: SPACE_MISMATCH, BAD_OPTION, DATA_CHANGED. */
async function begun(work: Work, now: MakeSettings): Promise<{ settings: MakeSettings; found: Scan }> {
  const settings = await readSettings(join(work.paths.folder, PARTS.settings))
  requireEqualSettings(work.o.out, settings, now)
  return { settings, found: await tellScan(work, false) }
}

const clear = async (folder: string) => {
  for (const part of [CARD, ...Object.values(PARTS)]) await rm(join(folder, part), { force: true })
}

/** Continues unfinished work, or begins: returns the settings and the counts of the texts. */
async function begin(work: Work, now: MakeSettings): Promise<{ settings: MakeSettings; found: Scan; resumed: boolean }> {
  const { o, paths } = work
  if (existsSync(join(paths.folder, PARTS.settings))) {
    try {
      return { ...(await begun(work, now)), resumed: true }
    } catch (error) {
      const isOther = error instanceof LvmError && ['SPACE_MISMATCH', 'BAD_OPTION', 'DATA_CHANGED'].includes(error.code)
      if (!o.force || !isOther) throw error
      work.listener.progress?.({ type: 'warning', version: 1, message: `begins again: ${error.message}` })
    }
  }
  await clear(paths.folder)
  const found = await tellScan(work, true)
  await replaceText(paths.folder, PARTS.settings, `${JSON.stringify(now, null, 2)}\n`) // last: with it the scan is complete
  return { settings: now, found, resumed: false }
}

/**
 * Finishes a publication that was cut off. Returns its result when it was begun with these options and texts; otherwise
 * its base is one that exists, and only `force` replaces it.
 */
async function finish(work: Work, now: MakeSettings): Promise<MadeData | undefined> {
  const { o, paths } = work
  const card = await finishPublication(paths)
  if (card === undefined) return undefined
  try {
    const { found } = await begun(work, now)
    return ended(paths, card, found, card.rows, 0)
  } catch (error) {
    if (work.listener.signal?.aborted || !(error instanceof LvmError)) throw error
    await clear(paths.folder)
    requireFree(paths, o.force)
    return undefined
  }
}

const ended = (paths: BasePaths, card: MadeCard, found: Scan, resumed: number, seconds: number): MadeData => ({
  version: 1,
  out: paths.vectors,
  side_file: paths.lines,
  card: paths.card,
  rows: card.rows,
  dim: card.dim,
  dtype: card.dtype,
  articles: card.articles,
  characters: card.characters,
  longest_article: Math.max(...found.lengths.keys()),
  context: trainingContext(found.lengths),
  empty: card.empty,
  languages: card.languages,
  space: card.space,
  resumed_rows: resumed,
  rows_per_second: (card.rows - resumed) / Math.max(seconds, 1e-3),
  seconds,
})

/** Encodes the rows that are not stored yet. Returns the number of those that were, and the time. */
async function encodeRest(
  { o, paths, encoder, listener }: Work,
  { settings, found, resumed }: Awaited<ReturnType<typeof begin>>,
): Promise<{ first: number; seconds: number }> {
  const header = npyHeader(found.rows, encoder.dim, o.dtype)
  const size = found.rows * encoder.dim * (o.dtype === 'float16' ? 2 : 4)
  const appender = await openAppender(paths.folder, header)
  const [first, began] = [appender.rows, performance.now()]
  try {
    const { name, space } = settings.encoder
    const { threads } = settings
    const start = { texts: o.texts, out: paths.vectors, encoder: name, space, dim: encoder.dim, threads, resumed }
    listener.progress?.({ type: 'start', version: 1, ...start })
    await requireDisk(dirname(paths.vectors), Math.ceil((1 - first / found.rows) * (size + found.bytes)))
    const articles = asScanned(articleRows(corpusOf(o), fitting(o.maxChars, encoder)), join(paths.folder, PARTS.scan))
    const isTime = clock()
    await encodeRows(articles, encoder, o.dtype, appender, listener.signal, (done) => {
      if (listener.signal?.aborted) throw stopped(listener.signal)
      if (!isTime() && done.rows < found.rows) return
      const speed = (done.rows - first) / ((performance.now() - began) / 1000)
      const left = speed > 0 ? (found.rows - done.rows) / speed : null
      const all = { rows_total: found.rows, articles_total: found.articles, rows_per_second: speed, seconds_left: left }
      listener.progress?.({ type: 'progress', version: 1, ...done, ...all })
    })
  } catch (error) {
    throw listener.signal?.aborted ? stopped(listener.signal) : error
  } finally {
    await appender.close()
  }
  return { first, seconds: (performance.now() - began) / 1000 }
}

/** Scans, encodes and publishes; the caller holds the lock. */
async function make(o: MakeOptions, paths: BasePaths, listener: MakeListener): Promise<MadeData> {
  const before = await readSettings(join(paths.folder, PARTS.settings)).catch(() => undefined)
  const { encoder, threads } = await o.open(o.threads ?? before?.threads)
  const work = { o, paths, encoder, listener }
  const now = settingsOf(o, encoder, threads)
  const finished = await finish(work, now)
  if (finished !== undefined) return finished
  const all = await begin(work, now)
  const { first, seconds } = await encodeRest(work, all)
  const card = cardOf(all.settings, all.found, encoder.dim)
  await publishBase(paths, card)
  return ended(paths, card, all.found, first, seconds)
}

/** Makes a base from texts, or continues it; `makeData` without the opening of an encoder's folder. */
export async function makeBase(o: MakeOptions, listener: MakeListener = {}): Promise<MadeData> {
  const paths = basePaths(o.out)
  await makeFolder(paths.folder)
  const lock = await lockRun(paths.folder, `data make ${paths.vectors}`)
  try {
    await removeDone(paths)
    if (!isPublishing(paths)) requireFree(paths, o.force)
    const made = await make(o, paths, listener)
    await setAside(paths)
    return made
  } finally {
    if (!existsSync(join(paths.folder, PARTS.settings))) await rm(paths.folder, { recursive: true, force: true }) // nothing to continue
    await lock.release()
    await removeDone(paths)
  }
}
