import { join } from 'node:path'
import { LvmError } from '../../errors.js'
import { count } from '../../show.js'
import { articleRows, fitting } from './article-rows.js'
import { PARTS } from './make-journal.js'
import { clock, corpusOf, stopped, type Work } from './make-work.js'
import { type Scan, scanTexts } from './scan-texts.js'
import { type LeftOut, leftOutText } from './text-files.js'

/** Reads all texts once; with `fresh` their digests are written, otherwise compared. Errors: those of the texts; DATA_TOO_FEW without a sentence. */
export async function tellScan({ o, paths, encoder, listener: { progress, signal } }: Work, fresh: boolean): Promise<Scan> {
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
