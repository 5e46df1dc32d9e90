import { asLvmError, LvmError } from '../errors.js'
import { type NativeStepper, type NativeTensor, native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import type { Opened } from './child-run.js'
import type { AnswerHeader, BatchHeader, Failure, FeedItem, PredictItem, RetrieveItem } from './engine-messages.js'

export interface Answer {
  readonly header: Omit<AnswerHeader, 'ms'>
  readonly parts: readonly Float32Array[]
}

export function failureOf(error: unknown): Failure {
  const { code, message, commandHint: hint } = asLvmError(error)
  return { code, message, hint }
}

async function read(handle: NativeTensor): Promise<Float32Array> {
  try {
    return new Float32Array((await native.tensorData(handle)).buffer)
  } finally {
    native.dispose(handle)
  }
}

/** Work of an inference process. */
export class ChildWork {
  private readonly steppers = new Map<number, NativeStepper>()
  private readonly dim: number
  private turn: Promise<unknown> = Promise.resolve()
  /** `deterministic` computes every context alone. */
  constructor(
    private readonly opened: Opened,
    private readonly deterministic: boolean,
  ) {
    this.dim = opened.run.dim
  }

  /** Shapes: x [contexts, context, dim] → [contexts, dim]. */
  async predict({ context }: BatchHeader<PredictItem>, x: Float32Array): Promise<Answer> {
    return { header: {}, parts: await this.predicted(x, context) }
  }
  async retrieve({ context, items }: BatchHeader<RetrieveItem>, x: Float32Array): Promise<Answer> {
    const { bank } = this.opened
    if (bank === undefined) throw new LvmError('BAD_REQUEST', 'retrieve: expected a server with a bank but it has none')
    const parts = await this.predicted(x, context)
    const rows = new Float32Array(x.length / context)
    for (const [i, part] of parts.entries()) rows.set(part, i * parts[0]!.length)
    using queries = Tensor.from(rows, [rows.length / this.dim, this.dim])
    return { header: { found: await bank.find(queries, items) }, parts: [] }
  }
  /** Feeds in order of the calls. Shapes: x [times, batch, dim] of each item → [batch, dim] of each. */
  feed(header: BatchHeader<FeedItem>, x: Float32Array): Promise<Answer> {
    return this.inTurn(() => this.feedTogether(header, x))
  }
  free(states: readonly number[]): Promise<void> {
    return this.inTurn(async () => {
      for (const state of states) {
        const stepper = this.steppers.get(state)
        if (stepper !== undefined) native.dispose(stepper)
        this.steppers.delete(state)
      }
    })
  }
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = this.turn.then(run)
    this.turn = done.catch(() => {})
    return done
  }
  private async feedTogether(header: BatchHeader<FeedItem>, x: Float32Array): Promise<Answer> {
    const { joint } = this.opened
    if (joint === undefined || this.deterministic || header.items.some(({ times }) => times > 1)) return this.feedEach(header, x)
    const steppers = header.items.map((item) => this.stepper(item))
    using input = Tensor.from(x, [x.length / this.dim, this.dim])
    try {
      return { header: {}, parts: [await read(await native.jointStep(joint, steppers, input.native))] }
    } catch {
      return this.feedEach(header, x) // no state has changed; the item at fault fails alone
    }
  }
  private async feedEach({ items }: BatchHeader<FeedItem>, x: Float32Array): Promise<Answer> {
    let at = 0
    const failed: Record<number, Failure> = {}
    const each = items.map((item, i) => {
      const size = item.times * item.batch * this.dim
      at += size
      return this.fed(item, x.subarray(at - size, at)).catch((error) => {
        failed[i] = failureOf(error)
        return new Float32Array(item.batch * this.dim)
      })
    })
    const parts = await Promise.all(each)
    return { header: Object.keys(failed).length > 0 ? { failed } : {}, parts }
  }
  /** Predictions of one or more contexts each, in order. */
  private predicted(x: Float32Array, context: number): Promise<Float32Array[]> {
    const batch = this.deterministic ? 1 : x.length / (context * this.dim)
    const size = batch * context * this.dim
    const each = Array.from({ length: x.length / size }, async (_, i) => {
      using input = Tensor.from(x.subarray(i * size, (i + 1) * size), [batch, context, this.dim])
      return read(await native.modelPredict(this.opened.model.native, input.native, false))
    })
    return Promise.all(each)
  }
  private stepper({ state, batch }: FeedItem): NativeStepper {
    const stepper = this.steppers.get(state) ?? native.stepper(this.opened.model.native, batch)
    this.steppers.set(state, stepper)
    return stepper
  }
  private async fed(item: FeedItem, x: Float32Array): Promise<Float32Array> {
    const { batch, times } = item
    const stepper = this.stepper(item)
    const size = batch * this.dim
    const steps = Array.from({ length: times }, (_, i) => {
      using input = Tensor.from(x.subarray(i * size, (i + 1) * size), [batch, this.dim])
      return native.stepperStep(stepper, input.native)
    })
    const outputs = await Promise.all(steps)
    for (const output of outputs.slice(0, -1)) native.dispose(output)
    return read(outputs.at(-1)!)
  }
}
