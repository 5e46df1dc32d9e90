import { asLvmError, LvmError } from '../errors.js'
import { type NativeStepper, type NativeTensor, native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import type { Opened } from './child-run.js'
import type { AnswerHeader, BatchHeader, Failure, FeedItem, PredictItem, RetrieveItem } from './engine-messages.js'

export interface Answer {
  readonly header: Omit<AnswerHeader, 'ms'>
  readonly parts: readonly Float32Array[]
}
/** Work of an inference process on one run. Each function starts its native work before it returns, so that order is kept. */
export interface ChildWork {
  /** Shapes: x [contexts, context, dim] → [contexts, dim]. */
  predict(o: BatchHeader<PredictItem>, x: Float32Array): Promise<Answer>
  retrieve(o: BatchHeader<RetrieveItem>, x: Float32Array): Promise<Answer>
  feed(o: BatchHeader<FeedItem>, x: Float32Array): Promise<Answer>
  free(states: readonly number[]): void
}

export function failureOf(error: unknown): Failure {
  const { code, message, commandHint: hint } = asLvmError(error)
  return { code, message, hint }
}

async function read(handle: NativeTensor): Promise<Float32Array> {
  try {
    return new Float32Array(await native.tensorData(handle))
  } finally {
    native.dispose(handle)
  }
}

/** `deterministic` computes every context alone. */
export function childWork({ model, bank }: Opened, deterministic: boolean): ChildWork {
  const { dim } = model
  const steppers = new Map<number, NativeStepper>()

  /** Shapes: → tensors of one or more rows, in order. */
  const predicted = (x: Float32Array, context: number): Promise<NativeTensor[]> => {
    const batch = deterministic ? 1 : x.length / (context * dim)
    const size = batch * context * dim
    const each = Array.from({ length: x.length / size }, async (_, i) => {
      using input = Tensor.from(x.subarray(i * size, (i + 1) * size), [batch, context, dim])
      return await native.modelPredict(model.native, input.native, false)
    })
    return Promise.all(each)
  }

  const stepper = ({ state, batch }: FeedItem): NativeStepper => {
    const made = steppers.get(state) ?? native.stepper(model.native, batch)
    steppers.set(state, made)
    return made
  }
  /** Shapes: x [times, batch, dim] → [batch, dim]. */
  const fed = async (item: FeedItem, x: Float32Array): Promise<Float32Array> => {
    const { batch, times } = item
    const steps = Array.from({ length: times }, (_, i) => {
      using input = Tensor.from(x.subarray(i * batch * dim, (i + 1) * batch * dim), [batch, dim])
      return native.stepperStep(stepper(item), input.native)
    })
    const outputs = await Promise.all(steps)
    for (const output of outputs.slice(0, -1)) native.dispose(output)
    return read(outputs.at(-1)!)
  }

  return {
    async predict({ context }, x) {
      return { header: {}, parts: await Promise.all((await predicted(x, context)).map(read)) }
    },
    async retrieve({ context, items }, x) {
      if (bank === undefined) throw new LvmError('BAD_REQUEST', 'retrieve: expected a server with a bank but it has none')
      const rows = await Promise.all((await predicted(x, context)).map(read))
      const flat = new Float32Array(items.reduce((sum, { batch }) => sum + batch, 0) * dim)
      rows.reduce((at, part) => {
        flat.set(part, at)
        return at + part.length
      }, 0)
      using queries = Tensor.from(flat, [flat.length / dim, dim])
      return { header: { found: await bank.find(queries, items) }, parts: [] }
    },
    async feed({ items }, x) {
      let at = 0
      const failed: Record<number, Failure> = {}
      const all = items.map((item, i) => {
        const size = item.times * item.batch * dim
        at += size
        return fed(item, x.subarray(at - size, at)).catch((error) => {
          failed[i] = failureOf(error)
          return new Float32Array(item.batch * dim)
        })
      })
      const parts = await Promise.all(all)
      return { header: Object.keys(failed).length > 0 ? { failed } : {}, parts }
    },
    free(states) {
      for (const state of states) {
        const stepper = steppers.get(state)
        if (stepper !== undefined) native.dispose(stepper)
        steppers.delete(state)
      }
    },
  }
}
