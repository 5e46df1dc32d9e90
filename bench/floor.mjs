// The least time of a training step on this machine: the products of its matrices at the speed that products of their shape reach
// here, forward, dX and dW apart, and one pass of the optimizer over memory at the speed of a copy. Measured in the run of the benchmark.
import { native } from '../dist/lib/native.js'
import { Tensor } from '../dist/lib/torch/tensor.js'

/** Weight, gradient and two moments are read, and all but the gradient written: with the gradient's own write 32 bytes a parameter. */
const BYTES = 32
const LIBRARIES = ['aten', 'onednn']

/** Bytes that a large copy reads and writes in a second. */
async function copyCeiling() {
  const size = 2 ** 25
  const [from, to] = await Promise.all([0, 1].map((value) => Tensor.from(new Float32Array(size).fill(value), [size])))
  let best = Infinity
  for (let i = 0; i < 8; i++) {
    const began = performance.now()
    await to.op('aten::copy_', from)
    best = Math.min(best, performance.now() - began)
  }
  for (const tensor of [from, to]) tensor.dispose()
  return (8 * size) / (best / 1e3)
}

/** Ceilings of products by shape and direction, and of a copy. Each `look` measures again and keeps the best. */
export function ceilings(threads) {
  const products = new Map()
  let copy = 0
  return {
    /** Measures every shape of a model. `dtype`: of the factors. */
    async look(matrices, dtype) {
      native.setThreads(threads)
      copy = Math.max(copy, await copyCeiling())
      for (const { rows, out, input } of matrices) {
        const key = `${dtype} ${rows}x${input}x${out}`
        const best = products.get(key) ?? {}
        for (const library of dtype === 'float32' ? LIBRARIES : LIBRARIES.slice(0, 1)) {
          const times = await native.timeProducts(library, rows, out, input, dtype)
          for (const [direction, ms] of Object.entries(times)) {
            const speed = (2 * rows * out * input) / (ms / 1e3)
            if (!(best[direction]?.speed > speed)) best[direction] = { speed, library }
          }
        }
        products.set(key, best)
      }
    },
    /** Least time of a step, in its parts. Units: ms. */
    floor(matrices, parameters, dtype) {
      const parts = { forward: 0, dx: 0, dw: 0, optimizer: ((BYTES * parameters) / copy) * 1e3 }
      for (const { rows, out, input } of matrices) {
        const best = products.get(`${dtype} ${rows}x${input}x${out}`)
        for (const direction of ['forward', 'dx', 'dw'])
          parts[direction] += ((2 * rows * out * input) / best[direction].speed) * 1e3
      }
      return { ...parts, ms: Object.values(parts).reduce((a, b) => a + b, 0) }
    },
    report: () => ({
      copy_gigabytes_per_second: copy / 1e9,
      gigaflops: Object.fromEntries(
        [...products].map(([key, best]) => [
          key,
          Object.fromEntries(
            Object.entries(best).map(([direction, { speed, library }]) => [direction, { value: speed / 1e9, library }]),
          ),
        ]),
      ),
    }),
  }
}

/**
 * Matrices that inputs are multiplied with: all rows of a batch pass through each, and the last position alone through the head. With
 * `flat` a context is one row.
 */
export function matricesOf(model, batch, context, flat = false) {
  return native
    .modelState(model)
    .filter(({ layout }) => layout !== undefined)
    .map(({ name, tensor, layout }) => {
      const [a, b] = native.tensorShape(tensor)
      const [out, input] = layout === 'columns' ? [b, a] : [a, b]
      return { name, out, input, rows: flat || name.startsWith('head') ? batch : batch * context }
    })
}
export const parametersOf = (model) =>
  native
    .modelState(model)
    .filter(({ trainable }) => trainable)
    .reduce((sum, { tensor }) => sum + native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0)
