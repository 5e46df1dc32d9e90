import type { Model } from '../checkpoint/model.js'
import { badOption } from '../errors.js'
import { Tensor } from '../torch/tensor.js'
import type { Chosen } from './subject.js'

/** Articles that are read side by side. */
const BATCH = 32

/** The rows of an article up to its last target. */
interface Reading {
  readonly first: number
  readonly end: number
}

/** Where each article that has a target begins, and its last target. Errors: BAD_OPTION for what cannot be read in order. */
function readings(model: Model, { base, windows, ids }: Chosen): Reading[] {
  const { model: name } = model.manifest
  if (!model.causal)
    throw badOption('predict', 'stream', `false, because ${name} sees the whole context at every position,`, true)
  if (base.kind !== 'base') throw badOption('predict', 'stream', 'false, because sequences do not say what came before,', true)
  const of = base.articles?.of
  const last = new Map<number, number>()
  for (const id of ids) {
    const target = windows.target[id]!
    let first = windows.first[id]!
    while (first > 0 && of?.[first - 1] === of?.[target]) first--
    last.set(first, Math.max(last.get(first) ?? 0, target))
  }
  return [...last].map(([first, end]) => ({ first, end })).sort((a, b) => b.end - b.first - (a.end - a.first))
}

/**
 * Predictions of the chosen targets from all that came before them in their articles, one vector at a time.
 *
 * Shapes: one block of [ids, dim], in the order of the ids.
 */
export async function* streamed(model: Model, chosen: Chosen): AsyncGenerator<Float32Array> {
  const { base, windows, ids } = chosen
  const { dim } = model
  const places = new Map(Array.from(ids, (id, i) => [windows.target[id]!, i]))
  const out = new Float32Array(ids.length * dim)
  const articles = readings(model, chosen)
  for (let at = 0; at < articles.length; at += BATCH) {
    const part = articles.slice(at, at + BATCH)
    const stepper = model.stepper({ batch: part.length })
    try {
      for (let t = 0; t < part[0]!.end - part[0]!.first; t++) {
        // An article that has ended goes on with its last row, and nobody reads what comes of it.
        const rows = part.map(({ first, end }) => Math.min(first + t, end - 1))
        using index = Tensor.from(BigInt64Array.from(rows, BigInt))
        using taken = await base.vectors.op('aten::index_select', 0, index)
        using wide = await taken.to({ dtype: 'float32' })
        const next = await stepper.step((await wide.data()) as Float32Array)
        for (const [i, { first, end }] of part.entries()) {
          const place = first + t < end ? places.get(first + t + 1) : undefined
          if (place !== undefined) out.set(next.subarray(i * dim, (i + 1) * dim), place * dim)
        }
      }
    } finally {
      stepper.dispose()
    }
  }
  yield out
}
