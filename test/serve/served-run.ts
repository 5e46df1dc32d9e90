import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import type { ModelName } from '../../lib/architectures/index.js'
import { openEngine } from '../../lib/serve/engine.js'
import type { Asked, Contexted, Engine, EngineEvent, EngineOptions } from '../../lib/serve/engine-types.js'
import { random } from '../../lib/statistics/random.js'
import { type TrainOptions, train } from '../../lib/train/train.js'

export const SAMPLE = 'data/sample/factbook'
export const DIM = 768
export const CONTEXT = 5

/** A folder that is removed after the tests of the file. */
export function folderOfFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-serve-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Trains a tiny model for a few steps and returns its folder. */
export async function trainTiny(out: string, model: ModelName, o: Record<string, unknown> = {}): Promise<string> {
  const given = { data: SAMPLE, preset: 'tiny', epochs: 1, maxSteps: 3, threads: 1, name: model, out, ...o } as const
  for await (const _ of train({ model, ...given } as TrainOptions)) {
  }
  return join(out, given.name)
}

export interface Watched {
  readonly engine: Engine
  readonly events: EngineEvent[]
  /** Events of one type. */
  of<T extends EngineEvent['type']>(type: T): Extract<EngineEvent, { type: T }>[]
}
/** Opens an engine that keeps its events. */
export async function watch(run: string, o: Partial<EngineOptions> = {}): Promise<Watched> {
  const events: EngineEvent[] = []
  const engine = await openEngine({
    run,
    device: 'cpu',
    deterministic: false,
    maxBatch: 8,
    batchDelay: 0,
    maxQueue: 1024,
    batchLimit: 60_000,
    maxSessions: 16,
    sessionIdle: 60,
    observe: (event) => events.push(event),
    ...o,
  })
  return { engine, events, of: (type) => events.filter((event) => event.type === type) as never }
}

/** Seeded unit vectors. Shapes: [n, DIM]. */
export function vectors(n: number, seed = 1): Float32Array {
  const all = Float32Array.from({ length: n * DIM }, (_, i) => random(seed, i) - 0.5)
  for (let i = 0; i < n; i++) {
    const row = all.subarray(i * DIM, (i + 1) * DIM)
    const length = Math.hypot(...row)
    row.forEach((x, j) => {
      row[j] = x / length
    })
  }
  return all
}
export const contexts = (batch: number, seed = 1, context = CONTEXT): Contexted => ({
  contexts: vectors(batch * context, seed),
  batch,
  context,
})
export const within = (ms: number, signal: AbortSignal = new AbortController().signal): Asked => ({
  deadline: performance.now() + ms,
  signal,
})
export const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
