import { askFeed, askPredict, type Submit } from './engine-requests.js'
import type { Asked, Contexted, ServedRun } from './engine-types.js'

interface Rolled {
  readonly submit: Submit
  readonly run: ServedRun
  readonly maxBatch: number
  /** Numbers a stepper. */
  state(): number
  free(state: number): void
}

/** Writes the predictions of one step for some contexts. Shapes: all [batch, steps, dim], rows [count, dim]. */
function store(all: Float32Array, rows: Float32Array, o: { dim: number; steps: number; step: number; from: number }): void {
  const { dim, steps, step, from } = o
  for (let i = 0; i * dim < rows.length; i++) all.set(rows.subarray(i * dim, (i + 1) * dim), ((from + i) * steps + step) * dim)
}

/** Each step reads a window that drops its oldest vector. */
async function byWindow({ submit, run: { dim } }: Rolled, x: Contexted, steps: number, asked: Asked): Promise<Float32Array> {
  const { batch, context } = x
  const all = new Float32Array(batch * steps * dim)
  const size = context * dim
  let contexts = x.contexts
  for (let step = 0; step < steps; step++) {
    const next = await askPredict(submit, dim, { contexts, batch, context }, asked)
    store(all, next, { dim, steps, step, from: 0 })
    const moved = new Float32Array(contexts.length)
    for (let i = 0; i < batch; i++) {
      moved.set(contexts.subarray(i * size + dim, (i + 1) * size), i * size)
      moved.set(next.subarray(i * dim, (i + 1) * dim), (i + 1) * size - dim)
    }
    contexts = moved
  }
  return all
}

/** Shapes: [batch, context, dim] → [context, batch, dim]. */
function byTime(contexts: Float32Array, batch: number, context: number, dim: number): Float32Array {
  if (batch === 1) return contexts
  const turned = new Float32Array(contexts.length)
  for (let i = 0; i < batch; i++)
    for (let t = 0; t < context; t++)
      turned.set(contexts.subarray((i * context + t) * dim, (i * context + t + 1) * dim), (t * batch + i) * dim)
  return turned
}

/** Some contexts share a stepper that keeps their states. */
async function byStepper(o: Rolled, x: Contexted, steps: number, asked: Asked, all: Float32Array, from: number): Promise<void> {
  const { submit, run } = o
  const { dim } = run
  const { batch, context } = x
  const state = o.state()
  let vectors = byTime(x.contexts, batch, context, dim)
  try {
    for (let step = 0; step < steps; step++) {
      vectors = await askFeed(submit, dim, { state, batch, vectors, bound: step > 0, sent() {}, fed() {} }, asked)
      store(all, vectors, { dim, steps, step, from })
    }
  } finally {
    o.free(state)
  }
}

/** Feeds predictions back as input; each step waits for its turn, so that a long rollout does not delay others. Shapes: → [batch, steps, dim]. */
export async function rollOut(o: Rolled, x: Contexted, steps: number, asked: Asked): Promise<Float32Array> {
  const { dim, causal, contexts } = o.run
  if (!causal || x.context + steps - 1 > contexts.longest) return byWindow(o, x, steps, asked)
  const all = new Float32Array(x.batch * steps * dim)
  const size = x.context * dim
  const groups = Array.from({ length: Math.ceil(x.batch / o.maxBatch) }, (_, i) => {
    const from = i * o.maxBatch
    const batch = Math.min(o.maxBatch, x.batch - from)
    const part = { contexts: x.contexts.subarray(from * size, (from + batch) * size), batch, context: x.context }
    return byStepper(o, part, steps, asked, all, from)
  })
  await Promise.all(groups)
  return all
}
