import { existsSync } from 'node:fs'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { longDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import { type Beside, openBeside } from '../../data/beside.js'
import { mainData, someData, type WithData } from '../../data/given-data.js'
import { locateBase } from '../../data/locate.js'
import { optional, withFields, word } from '../../door.js'
import { asLvmError, badOption, LvmError } from '../../errors.js'
import { locate } from '../../evaluate/pool.js'
import { usesStream } from '../../evaluate/rollout.js'
import { roll } from '../../evaluate/stream-predictions.js'
import { trainingVectors } from '../../evaluate/subject.js'
import { native } from '../../native.js'
import { type Given, type Options, resolve } from '../../options.js'
import { stage, tally } from '../../stages.js'
import { paragraphsOf } from '../../text/sentences/paragraphs.js'
import type { Tensor } from '../../torch/tensor.js'
import { type Context, contextOfData, contextOfText } from './context.js'
import { type FoundRow, foundRows } from './found-rows.js'
import { nextFields } from './next-fields.js'
import { isText, paragraphsIn } from './read-story.js'

/** Options of `next`: the run, what to continue (`file`, `data` or `text`), and any field of `nextFields`. */
export interface NextOptions extends WithData<Given<typeof nextFields>, 'data' | 'bank'> {
  /** Folder of the run, or its name below `artifacts/lvm/models`. */
  readonly run: string
  /** Text to continue. */
  readonly text?: string
}

/** Result of `next`. */
export interface Continued {
  readonly version: 1
  readonly run: string
  readonly model: string
  /** What the run has read: the last vectors of a file, or the last sentences of a text. */
  readonly context: {
    /** File of the text or of the vectors; null for text in memory. */
    readonly source: string | null
    readonly vectors: number
    /** Sentence of each vector; null when they are unknown. */
    readonly texts: readonly string[] | null
    /** Space of the encoder of the text; null for vectors. */
    readonly encoder: string | null
  }
  readonly bank: { readonly path: string; readonly hash: string; readonly rows: number; readonly space: string | null }
  readonly exclude: 'context' | 'none'
  /** For each step the sentences of the bank nearest to the prediction, the nearest first. */
  readonly steps: readonly { readonly step: number; readonly sentences: readonly FoundRow[] }[]
}

type Asked = Options<typeof nextFields> & { readonly text: string | undefined }

/** Errors: BAD_OPTION unless there is one thing to continue; FILE_MISSING for a file that is none. */
function requireInput({ file, data, text }: Asked): void {
  const given = [file, data, text].filter((value) => value !== undefined)
  const hint = 'add --file story.txt, or --data vectors.npy'
  if (given.length !== 1) throw badOption('next', 'file', 'one text or file of vectors to continue', given[1], hint)
  if (file === undefined || file === '-') return
  try {
    if (!isText(file)) locateBase(file)
    else if (!existsSync(file)) throw new LvmError('FILE_MISSING', `next: expected a text but there is none at ${file}`)
  } catch (error) {
    const { code, message } = asLvmError(error)
    throw new LvmError(code, message, { hint: 'name a text that ends in .txt or .md, - for stdin, or a file of vectors' })
  }
}

async function contextFor(model: Model, o: Asked, first: Beside, bank: Base): Promise<Context> {
  const { file, text } = o
  const to = { first, bank, wanted: o.encoder }
  if (text !== undefined) return contextOfText(model, { source: null, paragraphs: paragraphsOf(text) }, to)
  if (file !== undefined && isText(file)) return contextOfText(model, { source: file, paragraphs: await paragraphsIn(file) }, to)
  if (o.encoder !== undefined)
    throw badOption('next', 'encoder', 'no value for vectors, which are not encoded,', o.encoder, 'leave --encoder out')
  return contextOfData(model, (o.data ?? file)!, { ...o, first })
}

/** Rows of the bank that hold the vectors of a context. */
async function rowsInBank({ of, vectors }: Context, bank: Base): Promise<number[]> {
  if (of !== null && of.hash === bank.hash) return [...of.rows]
  const handle = native.bank((bank.targets ?? bank.vectors).native)
  try {
    return [...new Set(await stage('search', () => locate(handle, vectors)))].filter((row) => row >= 0)
  } finally {
    native.bankDispose(handle)
  }
}

/** Predicts the vectors after a context, and finds the rows nearest to each. */
async function continued(model: Model, context: Context, bank: Base, o: Asked): Promise<Continued['steps']> {
  const length = context.vectors.shape[0]!
  const without = o.exclude === 'context' ? [await rowsInBank(context, bank)] : undefined
  const predicted: Tensor[] = []
  try {
    const stream = usesStream(model, length, { memory: 'auto', steps: o.steps })
    using rows = await context.vectors.op('aten::unsqueeze', 0)
    using there = await rows.to({ device: model.device }).ready()
    const way = { steps: o.steps, stream, most: Math.max(length, model.trained.longest), context: length }
    await stage('predict', () =>
      roll(model, there, way, async (step, prediction) => {
        tally(step, o.steps)
        predicted.push(await prediction.to({ device: 'cpu', dtype: 'float32' }).ready())
      }),
    )
    const steps: { step: number; sentences: FoundRow[] }[] = []
    for (const [i, vector] of predicted.entries())
      steps.push({ step: i + 1, sentences: (await foundRows(bank, vector, o.k, without))[0]! })
    return steps
  } finally {
    for (const vector of predicted) vector.dispose()
  }
}

const ARGS = {
  options: withFields({
    run: word,
    data: optional(mainData),
    bank: optional(someData),
    text: optional({ expected: 'a text', accepts: (value) => typeof value === 'string' }),
  }),
}

/**
 * Finds the likeliest next sentences of a text or of vectors: those of a bank whose vectors are nearest to the prediction of a run.
 *
 * Errors: those of load and of the data; BAD_OPTION; DATA_TOO_FEW for a text that is shorter than the context of the run; for a text also
 * those of Encoder.open, and SPACE_MISMATCH for another encoder than that of the training data.
 */
export const next = longDoor('next', ARGS, async ({ run, text, ...given }: NextOptions): Promise<Continued> => {
  const o = { ...resolve('next', nextFields, given), text }
  requireInput(o)
  using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  const first = trainingVectors(model, o.space)
  const path = o.bank ?? model.manifest.data?.path
  if (path === undefined)
    throw badOption('next', 'bank', 'a base to search, because the run was imported,', undefined, 'add --bank BASE')
  const bank = await openBeside(first, path, { space: o.space, normalize: model.manifest.data?.normalized === true })
  try {
    const context = await contextFor(model, o, first, bank)
    using vectors = context.vectors
    return {
      version: 1,
      run: model.name,
      model: model.manifest.model,
      context: { source: context.source, vectors: vectors.shape[0]!, texts: context.texts, encoder: context.encoder },
      bank: { path: bank.path, hash: bank.hash, rows: bank.rows, space: bank.space ?? null },
      exclude: o.exclude,
      steps: await continued(model, context, bank, o),
    }
  } finally {
    bank.dispose()
  }
})
