import { native } from '../native.js'
import { recall, remember } from '../torch/machine-memory.js'
import { machineKey } from '../torch/multiplier.js'
import { type Quantization, type QuantizedMatrix, sizesOf } from './quantized.js'

/** Dequantise at load and multiply in float32. */
export const DEQUANTIZED = 'fp32'
/** Timing differences below 5 % count as noise. */
const NOISE = 1.05
/** Panels read memory in order and give a row the same bits in every batch: they are left out only where they clearly lose. */
const CLEARLY_SLOWER = 1.3
/** Number of timings of each float32 kernel. The shortest counts, because other programs delay some of them. */
const ROUNDS = 3
const BATCH = 32
/** File of the cache with the measured choices. */
const FILE = 'kernels.json'

/** Changes when there are other kernels to choose from. */
const KERNELS = 3
/** More rows than these take no other kernel. */
const MOST_ROWS = 1024

/** Identifies the machine for kernel timings: processor, threads, libtorch, the float32 multiplier and the set of kernels. */
export const kernelMachine = (): string => `${machineKey()} · ${native.multiplier()} · ${KERNELS}`
/** A matrix of the model, and how it is stored; `fp32` is not quantised. */
type Chosen = Pick<QuantizedMatrix, 'shape' | 'layout'> & { readonly scheme: QuantizedMatrix['scheme'] | 'fp32' }
export const shapeKey = (matrix: Chosen): string => {
  const { out, in: input } = sizesOf(matrix)
  return `${matrix.scheme} ${out}×${input}`
}

/** Leaves out kernels that round activations to int8, unless `activations` allows them. */
const allowedBy = (times: Readonly<Record<string, readonly number[]>>, activations: Quantization['activations']) =>
  activations === 'int8' ? times : Object.fromEntries(Object.entries(times).filter(([kernel]) => !kernel.startsWith('dynamic')))

/** Fastest kernel over one context and 32 contexts, among those not slower than float32 for either. */
export function quickest(times: Readonly<Record<string, readonly number[]>>): string {
  const single = times[DEQUANTIZED]!
  const rated = Object.entries(times).map(([kernel, ms]) => {
    const ratios = ms.map((t, i) => t / single[i]!)
    const slow = kernel !== DEQUANTIZED && ratios.some((ratio) => ratio > NOISE)
    return { kernel, cost: slow ? Infinity : ratios.reduce((a, b) => a * b, kernel === DEQUANTIZED ? 1 : NOISE) }
  })
  return rated.reduce((best, one) => (one.cost < best.cost ? one : best)).kernel
}

/** `panels` for a float32 matrix, unless they are clearly slower for a context or for 32. */
function packedOrNot({ panels, [DEQUANTIZED]: plain }: Readonly<Record<string, readonly number[]>>): string {
  return panels?.every((ms, i) => ms <= CLEARLY_SLOWER * plain![i]!) ? 'panels' : DEQUANTIZED
}

/** Times the kernels of a matrix. Units: milliseconds. */
async function timesOf(scheme: Chosen['scheme'], out: number, input: number, context: number): Promise<Record<string, number[]>> {
  const rows = Int32Array.from([context, BATCH * context], (count) => Math.min(count, MOST_ROWS))
  const best = await native.timeKernels(scheme, out, input, rows)
  for (let round = 1; round < (scheme === 'fp32' ? ROUNDS : 1); round++)
    for (const [kernel, ms] of Object.entries(await native.timeKernels(scheme, out, input, rows)))
      best[kernel] = ms.map((time, i) => Math.min(time, best[kernel]?.[i] ?? Infinity))
  return best
}

/** A kernel ruled out for a matrix shape because its products are wrong on this machine. */
export interface RuledOut {
  readonly kernel: string
  /** Scheme and shape of the matrix. */
  readonly shape: string
}
export const ruledOutSentence = ({ kernel, shape }: RuledOut): string =>
  `the kernel ${kernel} was ruled out for ${shape}: its products are not within rounding of exact ones on this machine`

export interface Choice {
  /** Kernel by matrix shape. */
  readonly kernels: Readonly<Record<string, string>>
  readonly ruledOut: readonly RuledOut[]
}

/** Chooses a kernel for every matrix shape: as recorded in the run or in the cache, else by timing, which is then cached. */
export async function chooseKernels(
  matrices: readonly Chosen[],
  context: number,
  activations: Quantization['activations'],
  recorded: Quantization['kernels'] | undefined,
  before: readonly RuledOut[] = [],
): Promise<Choice> {
  const ruledOut = [...before]
  const isRuledOut = (kernel: string, shape: string) => ruledOut.some((r) => r.kernel === kernel && r.shape === shape)
  const machine = kernelMachine()
  const memory = recorded?.machine === machine ? recorded.by_shape : recall(FILE, machine)
  const chosen: Record<string, string> = {}
  const measured: Record<string, string> = {}
  for (const matrix of matrices) {
    const key = shapeKey(matrix)
    const place = `${key} · ${activations} · ${context}`
    const remembered = recorded?.machine === machine ? key : place
    if (chosen[key] !== undefined) continue
    const { out, in: input } = sizesOf(matrix)
    const recalled = memory[remembered]
    if (recalled !== undefined && !isRuledOut(recalled, key)) {
      chosen[key] = recalled
      continue
    }
    for (const kernel of await native.wrongKernels(matrix.scheme, out, input))
      if (!isRuledOut(kernel, key)) ruledOut.push({ kernel, shape: key })
    const times = await timesOf(matrix.scheme, out, input, context)
    const right = Object.fromEntries(Object.entries(times).filter(([kernel]) => !isRuledOut(kernel, key)))
    chosen[key] = measured[place] = matrix.scheme === 'fp32' ? packedOrNot(right) : quickest(allowedBy(right, activations))
  }
  if (Object.keys(measured).length > 0) await remember(FILE, machine, measured)
  return { kernels: chosen, ruledOut }
}
