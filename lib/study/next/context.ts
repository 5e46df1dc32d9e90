import { take } from '../../baselines/baselines-rows.js'
import type { Model } from '../../checkpoint/model.js'
import type { Base } from '../../data/base.js'
import { type Beside, openBeside } from '../../data/beside.js'
import { runLengths } from '../../data/windows.js'
import { badOption, LvmError } from '../../errors.js'
import { readsBack } from '../../evaluate/subject.js'
import { stage } from '../../stages.js'
import type { Encoder } from '../../text/encoders/encoder.js'
import { checkSpace } from '../../text/space/check-space.js'
import { openEncoderFor } from '../../text/space/encoder-of-base.js'
import { requireOwnEncoder } from '../../text/space/require-encoder.js'
import { Tensor } from '../../torch/tensor.js'
import { sentencesOf } from './read-story.js'

/** The last vectors of a text, which a run reads. */
export interface Context {
  /** File of the text or of the vectors; null for text in memory. */
  readonly source: string | null
  /** Shapes: [vectors, dim], float32. */
  readonly vectors: Tensor
  /** Sentence of each vector; null when they are unknown. */
  readonly texts: readonly string[] | null
  /** Encoder of the text; null for vectors. */
  readonly encoder: string | null
  /** Rows of the vectors in their base, and its hash; null for a text. */
  readonly of: { readonly hash: string; readonly rows: readonly number[] } | null
}

/** Number of vectors to read of those that there are. Errors: DATA_TOO_FEW. */
function lengthFor(model: Model, available: number, source: string, what: string): number {
  const { context, history, minHistory } = readsBack(model.manifest, model.contexts)
  const least = history === undefined ? context : (minHistory ?? context)
  const most = history === undefined ? context : history === 'article' ? Number.POSITIVE_INFINITY : history
  if (available >= least) return Math.min(most, available)
  throw new LvmError(
    'DATA_TOO_FEW',
    `${source}: expected at least ${least} ${what}, which ${model.name} reads, but there are ${available}`,
    {
      hint: `give a longer text, or train a run with --context ${Math.max(1, available)}`,
    },
  )
}

/** Takes the last vectors of a file. Errors: those of openBeside; DATA_TOO_FEW; BAD_OPTION for sequences. */
export async function contextOfData(
  model: Model,
  path: string,
  { first, space, normalize }: { first: Beside; space: string | undefined; normalize: boolean },
): Promise<Context> {
  const base = await openBeside(first, path, {
    space,
    normalize: normalize || model.manifest.data?.normalized === true,
    judged: true,
  })
  try {
    if (base.kind !== 'base') throw badOption('next', 'data', 'a base of vectors in order, not sequences,', base.path)
    const crosses = model.manifest.split?.mode === 'windows'
    const available = crosses ? base.rows : runLengths(base).at(-1)!
    const what = base.articles === undefined ? 'vectors' : 'vectors in its last article'
    const length = lengthFor(model, available, base.path, what)
    const rows = Array.from({ length }, (_, i) => base.rows - length + i)
    const texts = await base.textsOf(rows)
    using taken = await take(base.vectors, Int32Array.from(rows))
    return {
      source: base.path,
      vectors: await taken.to({ device: 'cpu', dtype: 'float32' }).ready(),
      texts: texts === undefined ? null : rows.map((row) => texts.get(row)!),
      encoder: null,
      of: { hash: base.hash, rows },
    }
  } finally {
    base.dispose()
  }
}

/** Opens the encoder that made the vectors of a run. Errors: BAD_OPTION; SPACE_MISMATCH; those of openEncoderFor and checkSpace. */
async function openOwnEncoder(first: Beside, bank: Base, wanted: string | undefined): Promise<Encoder> {
  const tag = first.encoder ?? bank.encoder
  const name = wanted ?? (tag?.hash === undefined ? undefined : tag.name) // without a hash its name may be any words
  if (name === undefined)
    throw badOption(
      'next',
      'encoder',
      `the sentence encoder of ${first.path}, because a text is continued,`,
      undefined,
      'add --encoder FOLDER, the encoder that made its vectors; vectors need none',
    )
  const encoder = await openEncoderFor(name, tag)
  try {
    requireOwnEncoder(first, encoder)
    if (first.encoder?.hash === undefined) await stage('check the encoder', () => checkSpace({ base: bank, encoder }))
    return encoder
  } catch (error) {
    encoder.dispose()
    throw error
  }
}

/** Encodes the last sentences of a text. Errors: those of openOwnEncoder; DATA_TOO_FEW. */
export async function contextOfText(
  model: Model,
  { source, paragraphs }: { source: string | null; paragraphs: readonly string[] },
  { first, bank, wanted }: { first: Beside; bank: Base; wanted: string | undefined },
): Promise<Context> {
  using encoder = await stage('open the encoder', () => openOwnEncoder(first, bank, wanted))
  const all = await sentencesOf(paragraphs, encoder)
  const texts = all.slice(all.length - lengthFor(model, all.length, source ?? 'next', 'sentences'))
  const values = await stage('encode', () => encoder.encode(texts))
  return { source, vectors: Tensor.from(values, [texts.length, encoder.dim]), texts, encoder: encoder.space, of: null }
}
