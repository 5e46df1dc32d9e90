import type { Model } from '../checkpoint/model.js'
import { badOption, shown } from '../errors.js'
import { native } from '../native.js'
import { call, Tensor } from '../torch/tensor.js'
import type { Chosen } from './subject.js'

/** Number of articles read in parallel. */
const BATCH = 32

/** Rows of an article, from its first row to its last target. */
interface Reading {
  readonly first: number
  readonly end: number
}

type Readable = { base: Pick<Chosen['base'], 'rows' | 'articles'> } & Pick<Chosen, 'ids'> & {
    windows: Pick<Chosen['windows'], 'first' | 'target'>
  }

/** Returns first row and last target of each article that has a target; the longest article comes first. */
export function readings({ base, windows, ids }: Readable): Reading[] {
  const of = base.articles?.of
  const first = new Int32Array(base.rows) // first row of the article that each row belongs to
  for (let row = 1; row < base.rows; row++) first[row] = of?.[row - 1] === of?.[row] ? first[row - 1]! : row
  const last = new Map<number, number>()
  for (const id of ids) {
    const target = windows.target[id]!
    const begin = first[windows.first[id]!]!
    last.set(begin, Math.max(last.get(begin) ?? 0, target))
  }
  return [...last].map(([first, end]) => ({ first, end })).sort((a, b) => b.end - b.first - (a.end - a.first))
}

/** Errors: BAD_OPTION for a model or data without an order to read in, and, naming it, for an article longer than the model's context. */
function requireReadable(model: Model, { base }: Chosen, [longest]: readonly Reading[]): void {
  const { model: name } = model.manifest
  if (!model.causal)
    throw badOption('predict', 'stream', `false, because ${name} sees the whole context at every position,`, true)
  if (base.kind !== 'base')
    throw badOption('predict', 'stream', 'false, because sequences do not contain the rows before them,', true)
  if (longest === undefined) return
  const article = base.articles?.ids[base.articles.of[longest.first]!]
  const which = article === undefined ? 'texts' : `articles (the longest is ${shown(article)})`
  model.requireContext('predict --stream', longest.end - longest.first, which)
}

/**
 * Predicts the chosen targets from all earlier vectors of their articles, one vector at a time.
 *
 * Shapes: one block of [ids, dim], in the order of the ids.
 * Errors: BAD_OPTION for a model or data without an order to read in, and for articles longer than the model's context.
 */
export async function* streamed(model: Model, chosen: Chosen, raw = false): AsyncGenerator<Float32Array> {
  const { base, windows, ids } = chosen
  const { dim } = model
  const articles = readings(chosen)
  requireReadable(model, chosen, articles)
  const places = new Int32Array(base.rows).fill(-1) // index of each target's prediction in the output; -1: not a target
  for (const [i, id] of ids.entries()) places[windows.target[id]!] = i
  const out = new Float32Array(ids.length * dim)
  for (let at = 0; at < articles.length; at += BATCH) {
    const part = articles.slice(at, at + BATCH)
    const stepper = model.stepper({ batch: part.length, raw })
    try {
      for (let t = 0; t < part[0]!.end - part[0]!.first; t++) {
        // A finished article repeats its last row to keep the batch size; its outputs are not stored.
        const rows = part.map(({ first, end }) => Math.min(first + t, end - 1))
        using index = Tensor.from(BigInt64Array.from(rows, BigInt))
        using taken = await base.vectors.op('aten::index_select', 0, index)
        using wide = await taken.to({ dtype: 'float32' }).ready()
        const next = await stepper.step((await wide.data()) as Float32Array)
        for (const [i, { first, end }] of part.entries()) {
          const place = first + t < end ? places[first + t + 1]! : -1
          if (place >= 0) out.set(next.subarray(i * dim, (i + 1) * dim), place * dim)
        }
      }
    } finally {
      stepper.dispose()
    }
  }
  yield out
}

/** How a run is rolled out. */
export interface Way {
  readonly steps: number
  readonly stream: boolean
  /** Most vectors of a window; it drops the oldest for each one beyond. */
  readonly most: number
}

/** What can be rolled out: a loaded run, or a function, which has no state. */
export type Rolled = Pick<Model, 'name' | 'causal' | 'contexts' | 'trained' | 'device' | 'requireContext'> & {
  readonly native?: Model['native']
  readonly manifest: Pick<Model['manifest'], 'model'>
  predict(contexts: Tensor): Promise<Tensor>
}

/** Feeds predictions back as input and passes each one to `see`. Shapes: rows [batch, context + steps, dim]. */
export async function roll(
  model: Rolled,
  rows: Tensor,
  o: Way & { context: number },
  see: (step: number, prediction: Tensor) => Promise<void>,
): Promise<void> {
  const { context, steps, most } = o
  let window = await rows.op('aten::narrow', 1, 0, context)
  const stepper = o.stream ? native.stepper(model.native!, rows.shape[0]!) : undefined
  let next: Tensor | undefined
  const feed = async (x: Tensor) => {
    const y = Tensor.wrap(await native.stepperStep(stepper!, x.native))
    next?.dispose()
    next = y
  }
  try {
    for (let t = 0; stepper !== undefined && t < context; t++) {
      using x = await window.op('aten::select', 1, t)
      await feed(x)
    }
    for (let step = 0; step < steps; step++) {
      if (stepper !== undefined && step > 0) await feed(next!)
      if (stepper === undefined) {
        next?.dispose()
        next = await model.predict(window)
        const length = window.shape[1]!
        const kept = Math.min(length, most - 1)
        using late = await window.op('aten::narrow', 1, length - kept, kept)
        using last = await next.op('aten::unsqueeze', 1)
        const moved = (await call('aten::cat', [[late, last], 1])) as Tensor
        window.dispose()
        window = moved
      }
      await see(step, next!)
    }
  } finally {
    window.dispose()
    next?.dispose()
    if (stepper !== undefined) native.dispose(stepper)
  }
}
