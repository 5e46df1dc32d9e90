import { take } from '../../baselines/baselines-rows.js'
import { locate } from '../../evaluate/pool.js'
import { requireGoing } from '../../stages.js'
import { type Exclusions, nearestRows, type SentenceBank } from '../../text/decode/sentence-bank.js'
import type { Generator } from '../../text/decode/sentence-generator.js'
import type { Tensor } from '../../torch/tensor.js'
import { contextRows, cosinesWithTruth, type Source, type Truth } from './decode-source.js'
import type { DecodedRow } from './decoded-row.js'

/** Vectors in the first block, whose sentences appear at once, and in the largest. */
const [FIRST, MOST] = [32, 4096] as const
/** Vectors in each block of generated sentences, which take seconds each. */
const FEW = 8

/** How vectors become sentences. */
export interface Reading {
  readonly bank: SentenceBank | undefined
  readonly generator: Generator | undefined
  readonly exclude: 'none' | 'context'
}

/** Finds the rows of the bank that hold the contexts of predictions. */
async function excludedRows(truth: Truth, bank: SentenceBank, at: number, count: number): Promise<Exclusions> {
  const lists = Array.from({ length: count }, (_, i) => contextRows(truth, at + i))
  if (truth.base.hash === bank.base.hash && truth.base.kind === 'base') return lists
  using read = await take(truth.base.vectors, Int32Array.from(lists.flat()))
  const found = await locate(bank.handle, read)
  let next = 0
  return lists.map((list) => list.map(() => found[next++]!).filter((row) => row >= 0))
}

/** Texts of the true sentences and contexts. */
interface Known {
  readonly truth: Truth
  readonly texts: readonly string[] | undefined
}

async function knownOf({ truth }: Source, bank: SentenceBank | undefined): Promise<Known | undefined> {
  if (truth === undefined) return undefined
  return { truth, texts: truth.base === bank?.base ? bank.texts : await truth.base.texts() }
}

const targetOf = ({ truth, texts }: Known, i: number, cosine: number): DecodedRow['target'] => {
  const row = truth.rows[i]!
  return texts?.[row] === undefined ? null : { row, text: texts[row], cosine }
}

/** Most sentences of a context that are shown, the last ones. */
const SHOWN = 20

const contextOf = ({ truth, texts }: Known, i: number): DecodedRow['context'] =>
  texts === undefined || truth.context === null || truth.base.kind !== 'base'
    ? null
    : contextRows(truth, i)
        .slice(-SHOWN)
        .map((row) => texts[row]!)

async function* ofBlock(
  source: Source,
  { bank, generator }: Reading,
  o: { at: number; vectors: Tensor; excluded: Exclusions | undefined; known: Known | undefined },
  signal: AbortSignal | undefined,
): AsyncGenerator<DecodedRow> {
  const { at, known } = o
  const written = await generator?.write(o.vectors, signal)
  const without = bank && o.excluded && { excluded: o.excluded, rows: bank.texts.length }
  const found = bank && (await nearestRows(bank.handle, o.vectors, without))
  const cosines = known && (await cosinesWithTruth(known.truth, o.vectors, at))
  const count = o.vectors.shape[0]!
  for (let j = 0; j < count; j++) {
    const i = at + j
    const row = found?.rows[j] ?? -1
    const nearest = row < 0 ? null : { row, text: bank!.texts[row]!, cosine: found!.cosines[j]! }
    const said = written?.[j] ?? nearest
    const article = source.article(i)
    yield {
      row: source.rows[i]!,
      article,
      title: article === null ? null : (source.titles?.get(article) ?? null),
      text: said?.text ?? null,
      cosine: said?.cosine ?? null,
      nearest,
      target: known ? targetOf(known, i, cosines![j]!) : null,
      context: known ? contextOf(known, i) : null,
    }
  }
}

/** Yields the sentences of a source, block by block; the blocks grow. Errors: DIVERGED; the reason of the signal. */
export async function* decodedRows(
  source: Source,
  reading: Reading,
  signal: AbortSignal | undefined,
): AsyncGenerator<DecodedRow> {
  const { bank, generator, exclude } = reading
  const known = await knownOf(source, bank)
  let size: number = generator ? FEW : FIRST
  for (let at = 0; at < source.rows.length; at += size) {
    if (at > 0 && !generator) size = Math.min(MOST, 4 * size)
    requireGoing(signal)
    const count = Math.min(size, source.rows.length - at)
    using vectors = await source.vectors(at, count)
    const excluded = exclude === 'context' && bank ? await excludedRows(source.truth!, bank, at, count) : undefined
    yield* ofBlock(source, reading, { at, vectors, excluded, known }, signal)
  }
}
