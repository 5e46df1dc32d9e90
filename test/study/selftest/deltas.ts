import type { Directions } from '../../../lib/study/selftest/gates.js'
import { rowOf, type Scene } from '../../../lib/study/selftest/scenes.js'
import { meanOf, predictionOf, type StandInName } from '../../../lib/study/selftest/stand-ins.js'

const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

/** Returns the mean of a function over windows; `row(offset)` is the vector at that offset from the target. */
function over(scene: Scene, f: (row: (offset: number) => number[], id: number) => number): number {
  const { ids, windows } = scene.rows
  const values = Array.from(ids, (id) => f((offset) => rowOf(scene, windows.target[id]! + offset), id))
  return values.reduce((a, b) => a + b, 0) / values.length
}

/**
 * Four different definitions of «forward signal Δ» that one table of an earlier project mixed.
 *
 * First: cosine of the context mean with the target minus that with the vector before the last. Second, the one that ended that
 * project: two cosines at lag 1 subtracted. Third: a small lag minus a large one. Fourth: the margin of a prediction.
 */
export const DELTAS: Readonly<Record<string, (directions: Directions) => Promise<number>>> = {
  'Δ of the context mean': async ({ forward }) =>
    over(forward, (row) => {
      const mean = meanOf([-5, -4, -3, -2, -1].map(row))
      return cosine(mean, row(0)) - cosine(mean, row(-2))
    }),
  'Δ of neighbours': async ({ forward }) => over(forward, (row) => cosine(row(-1), row(0)) - cosine(row(-2), row(-1))),
  'Δ of near and far': async ({ forward }) => over(forward, (row) => cosine(row(-1), row(0)) - cosine(row(-5), row(0))),
  'Δ of the margin': async ({ forward }) =>
    over(forward, (row) => {
      const prediction = meanOf([-2, -1].map(row))
      return cosine(prediction, row(0)) - cosine(prediction, row(-1))
    }),
}

/** The «5-to-1 causal alignment» gate: it required the prediction to be nearest to the row after the target. */
export function alignment(scene: Scene, name: StandInName, late: number): { value: number; n: number } {
  const { windows } = scene.rows
  const rows = scene.vectors.length / scene.dim
  const ids = Array.from(scene.rows.ids).filter((id) => windows.target[id]! + 1 < rows)
  const right = ids.filter((id) => {
    const said = predictionOf(scene, name, id)
    const target = windows.target[id]! + late
    const all = [-5, -4, -3, -2, -1].map((offset) => cosine(said, rowOf(scene, windows.target[id]! + offset)))
    return cosine(said, rowOf(scene, target)) > Math.max(...all)
  })
  return { value: right.length / ids.length, n: ids.length }
}
