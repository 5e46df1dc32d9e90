import { setImmediate } from 'node:timers/promises'
import { writeBase } from '../data/write-base.js'
import { stage, tally } from '../stages.js'

/** Numbers between two ticks of the event loop, a few milliseconds. */
const STRIDE = 1 << 19

/** Unit vectors from a fixed sequence, so that their audit is known the second time. Shapes: [rows, dim]. */
async function madeUp(rows: number, dim: number): Promise<Float32Array> {
  const vectors = new Float32Array(rows * dim)
  let state = 1
  const stride = Math.ceil(STRIDE / dim)
  for (let row = 0; row < rows; row++) {
    if (row % stride === stride - 1) {
      tally(row, rows)
      await setImmediate()
    }
    let square = 0
    for (let i = row * dim; i < (row + 1) * dim; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      const x = state / 2 ** 31
      vectors[i] = x
      square += x * x
    }
    for (let i = row * dim; i < (row + 1) * dim; i++) vectors[i]! /= Math.sqrt(square)
  }
  return vectors
}

/** Writes made-up vectors in articles of one length: a step takes as long as with real ones. */
export const writeMadeUp = (path: string, o: { rows: number; dim: number; articleRows: number }): Promise<unknown> =>
  stage('make vectors', async () =>
    writeBase(path, {
      vectors: await madeUp(o.rows, o.dim),
      dim: o.dim,
      articles: Int32Array.from({ length: o.rows }, (_, row) => Math.floor(row / o.articleRows)),
    }),
  )
