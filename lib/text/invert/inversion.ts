import { Tensor } from '../../torch/tensor.js'
import { GREEDY } from '../generate/t5-model.js'
import type { Corrector } from './corrector.js'
import type { Hypothesizer } from './hypothesizer.js'
import type { ReEmbedder } from './re-embedder.js'
import type { T5Tokens } from './t5-tokens.js'

/** A text with the cosine of its own vector and the vector it stands for. */
export interface Draft {
  readonly ids: readonly number[]
  readonly text: string
  readonly cosine: number
  readonly vector: Float32Array
}
/** One decoded vector. */
export interface Inverted {
  readonly draft: Draft
  /** Corrections that were made. */
  readonly steps: number
}
export interface InversionModels {
  readonly hypothesizer: Hypothesizer
  readonly corrector: Corrector | undefined
  readonly embedder: ReEmbedder
  readonly tokens: T5Tokens
  /** Tokens of a text that the models were trained on. */
  readonly longest: number
}
export interface InversionOptions {
  readonly steps: number
  readonly beam: number
  /** Returns the last text instead of the best, and stops no row early. */
  readonly compat: boolean
  /** Ids of a corrected text at most. */
  readonly longest: number
  readonly signal?: AbortSignal | undefined
  /** Called after each step with the best cosines so far. */
  readonly onStep: (step: number, best: readonly number[], going: number) => void
}
/** A vector on its way. */
interface Progress {
  readonly target: Float32Array
  drafts: readonly Draft[]
  best: Draft
  steps: number
  going: boolean
}

/** A smaller gain of the best cosine ends the correction of a vector. */
const LEAST_GAIN = 1e-3
/** Rows of text computed at once. */
const BATCH = 32

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb)
}

function stacked(rows: readonly Float32Array[]): Tensor {
  const dim = rows[0]!.length
  const flat = new Float32Array(rows.length * dim)
  rows.forEach((row, i) => {
    flat.set(row, i * dim)
  })
  return Tensor.from(flat, [rows.length, dim])
}

/** Decodes texts and computes their vectors. `targets` has one vector for each. */
async function drafted(
  { tokens, embedder }: InversionModels,
  ids: readonly (readonly number[])[],
  targets: readonly Float32Array[],
): Promise<Draft[]> {
  const texts = ids.map((row) => tokens.decode(row))
  const drafts: Draft[] = []
  for (let at = 0; at < texts.length; at += BATCH) {
    const some = texts.slice(at, at + BATCH)
    using embedded = await embedder.embed(some)
    const data = (await embedded.data()) as Float32Array
    some.forEach((text, i) => {
      const vector = data.slice(i * embedder.width, (i + 1) * embedder.width)
      drafts.push({ ids: ids[at + i]!, text, vector, cosine: cosine(targets[at + i]!, vector) })
    })
  }
  return drafts
}

/** The `wanted` best drafts by cosine with different ids; the best ones again when there are fewer. */
export function chosen(drafts: readonly Draft[], wanted: number): Draft[] {
  const unique = new Map<string, Draft>()
  for (const draft of [...drafts].sort((a, b) => b.cosine - a.cosine)) {
    const key = draft.ids.join()
    if (!unique.has(key)) unique.set(key, draft)
  }
  const kept = [...unique.values()]
  return Array.from({ length: wanted }, (_, i) => kept[i % kept.length]!)
}

/** Corrects all drafts of some vectors, and returns the new ones of each. */
async function corrected(
  models: InversionModels,
  corrector: Corrector,
  going: readonly Progress[],
  { beam, longest, signal }: InversionOptions,
): Promise<Draft[][]> {
  const rows = going.flatMap(({ target, drafts }) => drafts.map((draft) => ({ target, draft })))
  const ids: number[][] = []
  const search = { ...GREEDY, beams: beam, returned: beam, longest }
  for (let at = 0; at < rows.length; at += BATCH) {
    const some = rows.slice(at, at + BATCH)
    using vectors = stacked(some.map(({ target }) => target))
    using embedded = stacked(some.map(({ draft }) => draft.vector))
    ids.push(...(await corrector.write({ vectors, embedded, ids: some.map(({ draft }) => draft.ids) }, search, signal)))
  }
  const targets = rows.flatMap(({ target }) => Array.from({ length: beam }, () => target))
  const found = await drafted(models, ids, targets)
  const lists: Draft[][] = []
  let at = 0
  for (const { drafts } of going) {
    lists.push(found.slice(at, at + drafts.length * beam))
    at += drafts.length * beam
  }
  return lists
}

async function begun(models: InversionModels, targets: readonly Float32Array[], o: InversionOptions): Promise<Progress[]> {
  const longest = o.steps === 0 ? o.longest : models.longest
  const ids: number[][] = []
  for (let at = 0; at < targets.length; at += BATCH) {
    using vectors = stacked(targets.slice(at, at + BATCH))
    ids.push(...(await models.hypothesizer.write(vectors, { ...GREEDY, longest }, o.signal)))
  }
  const drafts = await drafted(models, ids, targets)
  return drafts.map((draft, i) => ({ target: targets[i]!, drafts: [draft], best: draft, steps: 0, going: true }))
}

/**
 * Writes a text for each vector, embeds it, and corrects it by the difference. With `beam` B, each step corrects B texts of a vector
 * into B·B new ones and keeps the B that are nearest to the vector.
 *
 * Errors: INTERRUPTED.
 */
export async function invert(
  models: InversionModels,
  targets: readonly Float32Array[],
  o: InversionOptions,
): Promise<Inverted[]> {
  const all = await begun(models, targets, o)
  const report = (step: number) =>
    o.onStep(
      step,
      all.map(({ best }) => best.cosine),
      all.filter(({ going }) => going).length,
    )
  report(0)
  for (let step = 1; step <= o.steps && models.corrector !== undefined; step++) {
    const going = all.filter((progress) => progress.going)
    if (going.length === 0) break
    const found = await corrected(models, models.corrector, going, o)
    going.forEach((progress, i) => {
      progress.drafts = chosen(found[i]!, step === o.steps ? 1 : o.beam)
      progress.steps = step
      const [first] = progress.drafts as [Draft]
      const gain = first.cosine - progress.best.cosine
      if (o.compat || gain > 0) progress.best = first
      progress.going = o.compat || gain >= LEAST_GAIN
    })
    report(step)
  }
  return all.map(({ best, steps }) => ({ draft: best, steps }))
}
