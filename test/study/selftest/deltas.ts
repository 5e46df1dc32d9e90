import type { Ways } from '../../../lib/study/selftest/gates.js'
import { rowOf, type Scene } from '../../../lib/study/selftest/scenes.js'
import { meanOf, type StandInName, says } from '../../../lib/study/selftest/stand-ins.js'

const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

/** The mean over windows of something said of a window by the row its target is. */
function over(scene: Scene, f: (row: (offset: number) => number[], id: number) => number): number {
  const { ids, windows } = scene.rows
  const values = Array.from(ids, (id) => f((offset) => rowOf(scene, windows.target[id]! + offset), id))
  return values.reduce((a, b) => a + b, 0) / values.length
}

/**
 * Four things that one table once called «forward signal Δ».
 *
 * The first is how much nearer the context mean is to the target than to the vector before the context's last; the second, on which a
 * project was given up, is a lag of one less a lag of one; the third compares near with far; the fourth is the margin of a prediction.
 */
export const DELTAS: Readonly<Record<string, (ways: Ways) => Promise<number>>> = {
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

/** The «5-to-1 causal alignment» gate: it asked that the prediction be nearest to the row after the target. */
export function alignment(scene: Scene, name: StandInName, late: number): { value: number; n: number } {
  const { windows } = scene.rows
  const rows = scene.vectors.length / scene.dim
  const ids = Array.from(scene.rows.ids).filter((id) => windows.target[id]! + 1 < rows)
  const right = ids.filter((id) => {
    const said = says(scene, name, id)
    const target = windows.target[id]! + late
    const all = [-5, -4, -3, -2, -1].map((offset) => cosine(said, rowOf(scene, windows.target[id]! + offset)))
    return cosine(said, rowOf(scene, target)) > Math.max(...all)
  })
  return { value: right.length / ids.length, n: ids.length }
}
