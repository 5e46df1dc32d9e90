import { LvmError } from '../errors.js'
import type { FoundRow } from '../study/next/found-rows.js'
import type { Request } from './dispatch.js'
import { type AnswerHeader, ASK, type FeedItem, type RetrieveItem } from './engine-messages.js'
import type { Asked, Contexted, ServedRun } from './engine-types.js'
import type { Frame } from './frames.js'

/** Submits a request and resolves with the result that its `receive` has built. */
export type Submit = (request: Omit<Request, 'done' | 'fail'>, asked: Asked) => Promise<void>

/** Errors: BAD_REQUEST for a shape that does not fit the model. */
export function requireFit(owner: string, { dim, contexts, architecture }: ServedRun, x: Contexted): void {
  const { batch, context } = x
  const { shortest, longest } = contexts
  if (context < shortest || context > longest) {
    const wanted = shortest === longest ? `${longest} vectors` : `${shortest} to ${longest} vectors`
    throw new LvmError('BAD_REQUEST', `${owner}: expected contexts of ${wanted} for this ${architecture} but received ${context}`)
  }
  if (batch < 1 || x.contexts.length !== batch * context * dim)
    throw new LvmError(
      'BAD_REQUEST',
      `${owner}: expected ${batch} · ${context} · ${dim} numbers but received ${x.contexts.length}`,
    )
}

const partOf = ({ contexts, context }: Contexted, dim: number, from: number, count: number) =>
  contexts.subarray(from * context * dim, (from + count) * context * dim)

/** Rows of a request gathered from its answers; not copied if one answer has all of them. Shapes: [size, dim]. */
function gather(size: number, dim: number) {
  let rows: Float32Array | undefined
  return {
    put(from: number, count: number, { payload }: Frame, at: number) {
      const part = payload.subarray(at * dim, (at + count) * dim)
      if (count === size) rows = part
      else {
        rows ??= new Float32Array(size * dim)
        rows.set(part, from * dim)
      }
    },
    rows: () => rows!,
  }
}

/** Shapes: → [batch, dim]. */
export async function askPredict(submit: Submit, dim: number, x: Contexted, asked: Asked): Promise<Float32Array> {
  const { batch, context } = x
  const { put, rows } = gather(batch, dim)
  const request = {
    kind: ASK.predict,
    context,
    size: batch,
    item: (_: number, count: number) => ({ batch: count }),
    vectors: (from: number, count: number) => [partOf(x, dim, from, count)],
    receive: put,
  }
  await submit(request, asked)
  return rows()
}

export async function askRetrieve(
  submit: Submit,
  dim: number,
  x: Contexted,
  o: { k: number; exclude: Int32Array },
  asked: Asked,
): Promise<FoundRow[][]> {
  const { batch, context } = x
  const exclude = [...o.exclude]
  const found = new Array<FoundRow[]>(batch)
  const request = {
    kind: ASK.retrieve,
    context,
    size: batch,
    item: (_: number, count: number): RetrieveItem => ({ batch: count, k: o.k, exclude }),
    vectors: (from: number, count: number) => [partOf(x, dim, from, count)],
    receive(from: number, count: number, { header }: Frame, at: number) {
      const rows = (header as AnswerHeader).found!
      for (let i = 0; i < count; i++) found[from + i] = rows[at + i] as FoundRow[]
    },
  }
  await submit(request, asked)
  return found
}

/** Feeds vectors to one stepper. Shapes: vectors [times, batch, dim] → [batch, dim]. */
export async function askFeed(
  submit: Submit,
  dim: number,
  o: { state: number; batch: number; key?: string; bound?: boolean; vectors: Float32Array; sent(): void; fed(): void },
  asked: Asked,
): Promise<Float32Array> {
  const { state, batch } = o
  const { put, rows } = gather(batch, dim)
  let failed: LvmError | undefined
  const request = {
    kind: ASK.feed,
    context: 1,
    size: batch,
    whole: true,
    ...(o.key !== undefined && { key: o.key }),
    ...(o.bound !== undefined && { bound: o.bound }),
    item(): FeedItem {
      o.sent()
      return { state, batch, times: o.vectors.length / (batch * dim) }
    },
    vectors: () => [o.vectors],
    receive(from: number, count: number, answer: Frame, at: number, index: number) {
      const failure = (answer.header as AnswerHeader).failed?.[index]
      if (failure !== undefined) failed = new LvmError(failure.code, failure.message, { hint: failure.hint })
      else {
        o.fed()
        put(from, count, answer, at)
      }
    },
  }
  await submit(request, asked)
  if (failed !== undefined) throw failed
  return rows()
}
