import { native } from '../native.js'
import { stage } from '../stages.js'
import { Tensor } from '../torch/tensor.js'

/** Speed of this machine's products and of its memory. */
export interface Ceiling {
  readonly gflops: number
  readonly gigabytes_per_second: number
}

const TIMES = 7
/** Rows and channels of the product, and numbers of the copy, which exceed the processor's caches. */
const [ROWS, WIDTH, COPIED] = [512, 2048, 1 << 25]

/** Shortest of several times, because a bound must hold on an idle machine. Units: seconds. */
async function shortest(work: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < TIMES; i++) {
    const start = performance.now()
    await work()
    least = Math.min(least, performance.now() - start)
  }
  return least / 1000
}

/** Measures products and copies with the threads of one rank, in the precision of the weights. */
export const measureCeiling = (o: { threads: number; bf16: boolean }): Promise<Ceiling> =>
  stage('measure products', async () => {
    const before = native.threads()
    native.setThreads(o.threads)
    try {
      const filled = async (rows: number, columns: number) => {
        using made = Tensor.from(new Float32Array(rows * columns).fill(0.01), [rows, columns])
        return made.to({ dtype: o.bf16 ? 'bfloat16' : 'float32' }).ready()
      }
      using x = await filled(ROWS, WIDTH)
      using w = await filled(WIDTH, WIDTH)
      using large = await filled(1, COPIED)
      const each = o.bf16 ? 2 : 4
      const product = await shortest(async () => (await (await x.op('aten::linear', w, null)).ready()).dispose())
      const copy = await shortest(async () => (await (await large.op('aten::clone')).ready()).dispose())
      return {
        gflops: (2 * ROWS * WIDTH * WIDTH) / product / 1e9,
        gigabytes_per_second: (2 * each * COPIED) / copy / 1e9,
      }
    } finally {
      native.setThreads(before)
    }
  })
