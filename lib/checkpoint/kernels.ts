import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publish } from '../files/write.js'
import { cacheRoot } from '../libtorch/paths.js'
import { native } from '../native.js'
import { machineKey } from '../torch/multiplier.js'
import { type Quantization, type QuantizedMatrix, sizesOf } from './quantized.js'

/** Numbers that are dequantised at load and multiplied as any others. */
export const DEQUANTIZED = 'fp32'
/** How much slower than that a kernel may look before it is ruled out, and quicker before it is taken, so that noise does not choose. */
const CLEARLY = 1.05
const BATCH = 32

/** What multiplies here: processor, threads, libtorch and the library that multiplies float32. */
export const kernelMachine = (): string => `${machineKey()} · ${native.multiplier()}`
export const shapeKey = (matrix: Pick<QuantizedMatrix, 'scheme' | 'shape' | 'layout'>): string => {
  const { out, in: input } = sizesOf(matrix)
  return `${matrix.scheme} ${out}×${input}`
}

/** The kernels that round inputs no more than that, by their times. */
const fineEnough = (times: Readonly<Record<string, readonly number[]>>, activations: Quantization['activations']) =>
  activations === 'int8' ? times : Object.fromEntries(Object.entries(times).filter(([kernel]) => !kernel.startsWith('dynamic')))

/** The kernel that is quickest for one context and for 32 of them, and slower than float32 for neither. */
export function quickest(times: Readonly<Record<string, readonly number[]>>): string {
  const single = times[DEQUANTIZED]!
  const rated = Object.entries(times).map(([kernel, ms]) => {
    const ratios = ms.map((t, i) => t / single[i]!)
    const slow = kernel !== DEQUANTIZED && ratios.some((ratio) => ratio > CLEARLY)
    return { kernel, cost: slow ? Infinity : ratios.reduce((a, b) => a * b, kernel === DEQUANTIZED ? 1 : CLEARLY) }
  })
  return rated.reduce((best, one) => (one.cost < best.cost ? one : best)).kernel
}

function known(path: string): Record<string, Record<string, string>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** A kernel that was ruled out for a shape because its products are wrong on this machine. */
export interface RuledOut {
  readonly kernel: string
  /** Of the matrix. */
  readonly shape: string
}
export const ruledOutSentence = ({ kernel, shape }: RuledOut): string =>
  `the kernel ${kernel} was ruled out for ${shape}: its products are not within rounding of exact ones on this machine`

export interface Choice {
  /** By shape. */
  readonly kernels: Readonly<Record<string, string>>
  readonly ruledOut: readonly RuledOut[]
}

/** The kernel for every shape on this machine: as it was recorded in the run or found before, otherwise measured and remembered. */
export async function chooseKernels(
  matrices: readonly QuantizedMatrix[],
  context: number,
  activations: Quantization['activations'],
  recorded: Quantization['kernels'] | undefined,
  before: readonly RuledOut[] = [],
): Promise<Choice> {
  const ruledOut = [...before]
  const isRuledOut = (kernel: string, shape: string) => ruledOut.some((r) => r.kernel === kernel && r.shape === shape)
  const machine = kernelMachine()
  const path = join(cacheRoot(), 'kernels.json')
  const memory = recorded?.machine === machine ? recorded.by_shape : known(path)[machine]
  const chosen: Record<string, string> = {}
  const measured: Record<string, string> = {}
  for (const matrix of matrices) {
    const key = shapeKey(matrix)
    const place = `${key} · ${activations} · ${context}`
    const remembered = recorded?.machine === machine ? key : place
    if (chosen[key] !== undefined) continue
    const { out, in: input } = sizesOf(matrix)
    const recalled = memory?.[remembered]
    if (recalled !== undefined && !isRuledOut(recalled, key)) {
      chosen[key] = recalled
      continue
    }
    for (const kernel of await native.wrongKernels(matrix.scheme, out, input))
      if (!isRuledOut(kernel, key)) ruledOut.push({ kernel, shape: key })
    const times = await native.timeKernels(matrix.scheme, out, input, Int32Array.of(context, BATCH * context))
    const right = Object.fromEntries(Object.entries(times).filter(([kernel]) => !isRuledOut(kernel, key)))
    chosen[key] = measured[place] = quickest(fineEnough(right, activations))
  }
  if (Object.keys(measured).length > 0) {
    try {
      const all = known(path)
      await publish({ [path]: `${JSON.stringify({ ...all, [machine]: { ...all[machine], ...measured } }, null, 2)}\n` })
    } catch {} // a cache that cannot be written costs a moment next time
  }
  return { kernels: chosen, ruledOut }
}
