import { native } from '../native.js'
import { stage } from '../stages.js'
import { describe } from '../statistics/estimates.js'
import { Tensor } from '../torch/tensor.js'

/** Speed of this machine's products and of its memory. */
export interface Ceiling {
  readonly gflops: number
  readonly gigabytes_per_second: number
}

const TIMES = 7
/** Rows and channels of the product, and numbers of the copy, which exceed the processor's caches. */
const [ROWS, WIDTH, COPIED] = [512, 2048, 1 << 25]

async function median(work: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = []
  for (let i = 0; i < TIMES; i++) {
    const start = performance.now()
    await work()
    seconds.push((performance.now() - start) / 1000)
  }
  return describe(Float64Array.from(seconds)).median
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
      const product = await median(async () => (await (await x.op('aten::linear', w, null)).ready()).dispose())
      const copy = await median(async () => (await (await large.op('aten::clone')).ready()).dispose())
      return {
        gflops: (2 * ROWS * WIDTH * WIDTH) / product / 1e9,
        gigabytes_per_second: (2 * each * COPIED) / copy / 1e9,
      }
    } finally {
      native.setThreads(before)
    }
  })
