import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { native as addon } from '../../lib/native.js'
import { ChildWork } from '../../lib/serve/child-work.js'
import { isCausal } from '../../lib/spec/architecture.js'
import { useThreads } from '../../lib/torch/device.js'
import { build, contexts, DIM } from '../architectures/tiny.js'

useThreads(1)
const BATCH = 9
const CONTEXT = 5
const each = [
  ...architectures.map((a) => [a.name, a, a.presets.tiny] as const),
  ...[findArchitecture('mlp')].map(
    (a) => ['mlp with memory', a, { ...a.presets.tiny, input: 'memory', residual: 'memory' }] as const,
  ),
]
const flat = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]))
const row = (y: Float32Array, i: number, size = DIM) => y.subarray(i * size, (i + 1) * size)

/** The work of a process on a model that was built here. */
async function workOf(a: (typeof architectures)[number], options: Record<string, unknown>, deterministic: boolean) {
  const native = await build(a, options, a.fixedContext ? { context: CONTEXT } : {})
  const joint = isCausal(a, options) ? await addon.jointSteps(native) : undefined
  return new ChildWork({ model: { native }, run: { dim: DIM }, bank: undefined, joint } as never, deterministic)
}

describe.each(each)('%s', (_, a, options) => {
  test('deterministic answers equal those of each context alone, bit for bit', async () => {
    const work = await workOf(a, options, true)
    const x = contexts(BATCH, CONTEXT)
    const together = flat((await work.predict({ context: CONTEXT, items: [{ batch: 2 }, { batch: 7 }] }, x)).parts)
    for (let i = 0; i < BATCH; i++) {
      const one = row(x, i, CONTEXT * DIM)
      const alone = flat((await work.predict({ context: CONTEXT, items: [{ batch: 1 }] }, one)).parts)
      expect(row(together, i)).toEqual(alone)
    }
  })
  test.runIf(isCausal(a, options))('states that are fed in one batch stay apart', async () => {
    const [work, other] = [await workOf(a, options, false), await workOf(a, options, false)]
    const x = contexts(4, 6, 3)
    const alone = new Map<number, Float32Array[]>()
    for (let state = 0; state < 4; state++) {
      const outputs: Float32Array[] = []
      for (let t = 0; t < 6; t++) {
        const item = { state, batch: 1, times: 1 }
        outputs.push(flat((await other.feed({ context: 1, items: [item] }, row(x, state * 6 + t))).parts))
      }
      alone.set(state, outputs)
    }
    const fed = [0, 0, 0, 0]
    for (const group of [[0, 1], [0, 1, 2], [3], [0, 1, 2, 3], [1, 2, 3, 0], [3, 2], [0, 1], [1], [0, 2, 3], [2, 3]]) {
      const items = group.map((state) => ({ state, batch: 1, times: 1 }))
      const input = flat(group.map((state) => row(x, state * 6 + fed[state]!)))
      const outputs = flat((await work.feed({ context: 1, items }, input)).parts)
      for (const [i, state] of group.entries()) {
        const want = alone.get(state)![fed[state]!]!
        fed[state] = fed[state]! + 1
        const error = Math.max(...want.map((y, j) => Math.abs(y - row(outputs, i)[j]!)))
        expect(error, `state ${state}, vector ${fed[state]}`).toBeLessThan(1e-5)
      }
    }
  })
})
