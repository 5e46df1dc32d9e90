import { setTimeout as sleep } from 'node:timers/promises'
import { LvmError } from '../../lib/errors.js'
import type { Asked, Contexted, Engine, EngineOptions, ServedRun } from '../../lib/serve/engine-types.js'

/** Ways to disturb the engines of a test. */
export interface Faults {
  /** Time of one prediction. Units: ms */
  delay?: number
  /** Error of every prediction. */
  fails?: () => Error
  /** Error of opening a run. */
  refuses?: (run: string) => Error | undefined
  /** The next runs take forever to load. */
  hangs?: boolean
  run?: Partial<ServedRun>
  state?: Engine['state']
  /** No request has room. */
  full?: boolean
}

export const DIM = 4
export const CONTEXT = 3

const normalised = (x: Float32Array): Float32Array => {
  const length = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0))
  return x.map((value) => value / length)
}

/** Predicts the mean of each context, as a unit vector. */
function meanOf({ contexts, batch, context }: Contexted): Float32Array {
  const out = new Float32Array(batch * DIM)
  for (let b = 0; b < batch; b++) {
    const sum = new Float32Array(DIM)
    for (let i = 0; i < context * DIM; i++) sum[i % DIM]! += contexts[b * context * DIM + i]!
    out.set(normalised(sum), b * DIM)
  }
  return out
}

/** What the engines of a test did. */
export interface Seen {
  readonly opened: EngineOptions[]
  readonly aborted: AbortSignal[]
  readonly deadlines: number[]
  readonly engines: Engine[]
}

/** Opens engines that need no model. */
export function fakeEngines(faults: Faults = {}) {
  const seen: Seen = { opened: [], aborted: [], deadlines: [], engines: [] }
  const open = async (o: EngineOptions): Promise<Engine> => {
    const refusal = faults.refuses?.(o.run)
    if (refusal) throw refusal
    seen.opened.push(o)
    if (faults.hangs) await new Promise((_, reject) => o.signal!.addEventListener('abort', () => reject(new Error('killed'))))
    const sessions = new Map<string, number>()
    let state: Engine['state'] = 'ready'
    let busy = 0
    let next = 0
    const work = async <T>(asked: Asked, answer: () => T): Promise<T> => {
      if (state === 'closed') throw new LvmError('UNAVAILABLE', 'engine: it is closed')
      seen.deadlines.push(asked.deadline - performance.now())
      asked.signal.addEventListener('abort', () => seen.aborted.push(asked.signal))
      busy++
      try {
        if (faults.delay) await sleep(faults.delay)
        if (faults.fails) throw faults.fails()
        if (performance.now() > asked.deadline) throw new LvmError('DEADLINE', 'predict: no answer before the deadline')
        return answer()
      } finally {
        busy--
      }
    }
    const engine: Engine = {
      run: {
        name: o.name ?? 'fake',
        folder: `/secret/${o.run}`,
        architecture: 'lstm',
        dim: DIM,
        context: CONTEXT,
        trained: { shortest: CONTEXT, longest: CONTEXT },
        contexts: { shortest: 1, longest: 8 },
        causal: true,
        unit: true,
        parameters: 10,
        weights: 'a'.repeat(64),
        scheme: null,
        space: null,
        device: 'cpu',
        threads: 1,
        bank: o.bank === undefined ? null : { path: o.bank, rows: 9, hash: 'b'.repeat(64) },
        ...faults.run,
      },
      get state() {
        return faults.state ?? state
      },
      gauges: {
        queued: 0,
        get inFlight() {
          return busy
        },
        get sessions() {
          return sessions.size
        },
        pid: null,
        memoryBytes: 1e6,
        cpuSeconds: 1,
        retryAfter: 2,
      },
      requireRoom: () => {
        if (faults.full) throw new LvmError('OVERLOADED', 'serve: no room')
      },
      predict: (x, asked) => work(asked, () => meanOf(x)),
      retrieve: (x, { k, exclude }, asked) =>
        work(asked, () =>
          Array.from({ length: x.batch }, () =>
            Array.from({ length: 9 }, (_, row) => ({ row, cosine: 1 - row / 10, article: 'a', text: `row ${row}` }))
              .filter(({ row }) => !exclude.includes(row))
              .slice(0, k),
          ),
        ),
      rollout: (x, steps, asked) =>
        work(asked, () => {
          const one = meanOf(x)
          const out = new Float32Array(x.batch * steps * DIM)
          for (let b = 0; b < x.batch; b++)
            for (let s = 0; s < steps; s++) out.set(one.subarray(b * DIM, (b + 1) * DIM), (b * steps + s) * DIM)
          return out
        }),
      openSession: (asked) =>
        work(asked, () => {
          const id = `s${++next}`
          sessions.set(id, 0)
          return id
        }),
      feed: (session, vector, asked) =>
        work(asked, () => {
          const position = sessions.get(session)
          if (position === undefined) throw new LvmError('SESSION_GONE', `session: ${session} has ended`)
          sessions.set(session, position + 1)
          return { prediction: normalised(vector), position: position + 1 }
        }),
      endSession: async (session) => {
        if (!sessions.delete(session)) throw new LvmError('NOT_FOUND', `session: there is no ${session}`)
      },
      drain: async () => {
        while (busy > 0) await sleep(5)
        state = 'closed'
      },
      close: async () => {
        state = 'closed'
      },
    }
    seen.engines.push(engine)
    return engine
  }
  return { open, seen, faults }
}

/** A unit vector with a one at `axis`. */
export const axis = (i: number): number[] => Array.from({ length: DIM }, (_, j) => Number(i === j))
/** A batch of contexts of unit vectors. */
export const contexts = (batch: number, context = CONTEXT): number[][][] =>
  Array.from({ length: batch }, (_, b) => Array.from({ length: context }, (_, t) => axis((b + t) % DIM)))
/** The same contexts as bytes. */
export const asBytes = (lists: number[][][]): Buffer => Buffer.from(Float32Array.from(lists.flat(2)).buffer)
