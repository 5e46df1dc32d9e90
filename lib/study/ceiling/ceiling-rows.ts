import { mkdir } from 'node:fs/promises'
import type { Scorer } from '../../baselines/baselines.js'
import type { Rows } from '../../baselines/baselines-rows.js'
import { samplesOf } from '../../baselines/baselines-rows.js'
import type { Base } from '../../data/base.js'
import { openBase } from '../../data/open.js'
import { splitWindows } from '../../data/split.js'
import { makeWindows } from '../../data/windows.js'
import { badOption, LvmError } from '../../errors.js'
import { sealedText } from '../../files/sealed.js'
import { replaceText } from '../../files/write.js'
import { native } from '../../native.js'
import { permutation } from '../../statistics/random.js'
import { FEWEST_WINDOWS } from '../../text/corpus/training-context.js'

/** Maximum number of training windows to fit on; of more, a seeded sample is used. */
const MOST = 60_000

/** Least vectors before a target by default, as for `train --history`. */
const USUAL_LEAST = 5

/** The default split of a file into training and validation windows. */
export interface Parts {
  readonly path: string
  readonly hash: string
  readonly space: string | null
  readonly card: Base['card']
  readonly train: Rows
  readonly val: Rows
  /** Number of training windows before sampling. */
  readonly available: number
  /** Windows of all vectors before each target in its article, split in the same way. */
  wholeArticles(minHistory: number | undefined): { readonly train: Rows; readonly val: Rows }
  dispose(): void
}

/** Opens a file and splits it by article, as `train` does. Errors: those of openBase and splitWindows; DATA_TOO_FEW. */
export async function partsOf(
  verb: string,
  o: { data: string | undefined; space: string | undefined; normalize: boolean; context: number; seed: number },
): Promise<Parts> {
  if (o.data === undefined) throw badOption(verb, 'data', 'a file of vectors', undefined, 'add --data FILE')
  const base = await openBase(o.data, { space: o.space, normalize: o.normalize })
  try {
    const windows = makeWindows(base, o.context)
    const split = splitWindows(windows, base, { mode: 'articles', seed: o.seed, test: 0 })
    if (split.train.length < FEWEST_WINDOWS)
      throw new LvmError(
        'DATA_TOO_FEW',
        `${o.data}: expected at least ${FEWEST_WINDOWS} training windows but there are ${split.train.length}`,
      )
    const drawn = permutation(split.train.length, o.seed).slice(0, MOST)
    const ids = split.train.length <= MOST ? split.train : drawn.map((i) => split.train[i]!).sort()
    const rows = { base, windows }
    return {
      path: base.path,
      hash: base.hash,
      space: base.space ?? null,
      card: base.card,
      train: { ...rows, ids },
      val: { ...rows, ids: split.val },
      available: split.train.length,
      wholeArticles: (minHistory) => wholeArticles(base, { ...o, minHistory }),
      dispose: () => base.dispose(),
    }
  } catch (error) {
    base.dispose()
    throw error
  }
}

function wholeArticles(base: Base, o: { context: number; seed: number; minHistory: number | undefined }) {
  const { minHistory = Math.min(USUAL_LEAST, o.context) } = o
  const windows = makeWindows(base, { context: o.context, history: 'article', minHistory })
  const split = splitWindows(windows, base, { mode: 'articles', seed: o.seed, test: 0 })
  return { train: { base, windows, ids: split.train }, val: { base, windows, ids: split.val } }
}

/** Calls `what` with a scorer for the rows, and disposes of the scorer. */
export async function withScorer<T>(rows: Rows, what: (scorer: Scorer) => Promise<T>): Promise<T> {
  const samples = samplesOf(rows)
  try {
    return await what((raw, ids, centre) => native.score(raw.native, samples, ids, centre?.native ?? null))
  } finally {
    native.dispose(samples)
  }
}

export const articlesOf = ({ windows, ids }: Rows): Int32Array => ids.map((id) => windows.article[id]!)

/** Writes a document to a folder atomically. */
export async function writeDocument(folder: string, name: string, document: object): Promise<void> {
  await mkdir(folder, { recursive: true })
  await replaceText(folder, name, sealedText(document))
}
